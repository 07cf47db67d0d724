// The scenarios of socketio_scenario.mjs: Node's server and ours, npm's client and ours, by every transport and parser. What
// differs on purpose is named here, with the reason in docs/design/socketio.md. Needs SOCKETIO_APP_BIN and
// SOCKETIO_CLIENT_REMOTE_BIN.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { io } from 'socket.io-client';
import msgpack from 'socket.io-msgpack-parser';
import { nodeApplication, recover, requests, run } from './socketio_scenario.mjs';
import { Server } from './support.mjs';
import { connect as weft, stop as stopWeft } from './weft_client.mjs';

const app = (...flags) => Server.startProgram(process.env.SOCKETIO_APP_BIN, flags);

const kinds = [
  { name: 'polling', client: { transports: ['polling'] } },
  { name: 'WebSocket', client: { transports: ['websocket'] } },
  { name: 'upgrade', client: {} },
  { name: 'msgpack by polling', client: { transports: ['polling'], parser: msgpack }, node: { parser: msgpack }, flags: ['--msgpack'] },
  { name: 'msgpack by WebSocket', client: { transports: ['websocket'], parser: msgpack }, node: { parser: msgpack }, flags: ['--msgpack'] },
  { name: 'recovery', client: {}, node: { connectionStateRecovery: {} }, flags: ['--recovery'] },
  { name: 'four loops', client: {}, flags: ['--threads', '4'] },
];

/// The same story told by each client with each server; npm's with Node's is the one that the others are compared with.
async function compare(t, { client, node, flags = [] }, tell) {
  const story = async (start, connect) => {
    const server = await start();
    try {
      return await tell(server.url, connect, client);
    } finally {
      stopWeft();
      assert.equal(await server.stop() ?? 0, 0);
    }
  };
  const startNode = () => nodeApplication(node);
  const startOurs = () => app(...flags);
  const expected = await story(startNode, io);
  const pairs = { "npm's client, our server": [startOurs, io], "our client, Node's server": [startNode, weft], 'our client, our server': [startOurs, weft] };
  for (const [name, [start, connect]] of Object.entries(pairs)) {
    await t.test(name, async () => {
      const seen = await story(start, connect);
      for (let i = 0; i < expected.length; ++i) assert.deepEqual(seen[i], expected[i]);
      assert.equal(seen.length, expected.length);
    });
  }
}

test('a client that offers subprotocols gets its first, as from Node', { timeout: 60_000 }, async () => {
  const server = await app();
  const socket = io(server.url, { transports: ['websocket'], protocols: ['one', 'two'], forceNew: true });
  await new Promise((done, failed) => socket.on('connect', done).on('connect_error', failed));
  assert.equal(socket.io.engine.transport.ws.protocol, 'one');
  socket.close();
  assert.equal(await server.stop(), 0);
});

for (const kind of kinds) test(kind.name, { timeout: 120_000 }, (t) => compare(t, kind, run));

for (const { name, client, ...parser } of kinds.slice(0, 5)) {
  test(`coming back: ${name}`, { timeout: 120_000 }, (t) => compare(t, {
    client, node: { ...parser.node, connectionStateRecovery: {} }, flags: [...parser.flags ?? [], '--recovery', '--threads', '4'],
  }, recover));
}

describe('requests that no client makes', { timeout: 60_000 }, () => {
  let node, ours, expected, seen;
  /// name of the request: what ours answers instead, [status, body].
  const differences = { 'too large': [413, 'the body is larger than max_body (of Socket.IO: max_http_buffer_size)\n'], 'other path': [404, '404 Not Found\n'] };

  before(async () => {
    node = await nodeApplication();
    ours = await app();
    expected = await requests(node.url);
    seen = await requests(ours.url);
  });
  after(async () => {
    await node.stop();
    assert.equal(await ours.stop(), 0);
  });

  test('are answered as Node answers them', () => {
    for (let i = 0; i < expected.length; ++i) {
      const [name, ...answer] = expected[i];
      assert.deepEqual(seen[i], [name, ...(differences[name] ?? answer)]);
    }
  });
});
