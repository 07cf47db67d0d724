// The scenario of socketio_scenario.mjs against Node's server and against ours, by every transport and parser. What differs
// on purpose stands in `differences`, with the reason in docs/design/socketio.md. Needs SOCKETIO_APP_BIN.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { io } from 'socket.io-client';
import msgpack from 'socket.io-msgpack-parser';
import { nodeApplication, requests, run } from './socketio_scenario.mjs';
import { Server } from './support.mjs';

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

for (const kind of kinds) {
  test(`${kind.name}: our server and Node's tell the same story`, { timeout: 120_000 }, async () => {
    const node = await nodeApplication(kind.node);
    const ours = await app(...(kind.flags ?? []));
    try {
      const expected = await run(node.url, io, kind.client);
      const seen = await run(ours.url, io, kind.client);
      for (let i = 0; i < expected.length; ++i) assert.deepEqual(seen[i], expected[i]);
      assert.equal(seen.length, expected.length);
    } finally {
      await node.stop();
      assert.equal(await ours.stop(), 0);
    }
  });
}

describe('requests that no client makes', { timeout: 60_000 }, () => {
  let node, ours, expected, seen;
  /// name of the request: what ours answers instead, [status, body].
  const differences = { 'too large': [413, '413 Content Too Large\n'], 'other path': [404, '404 Not Found\n'] };

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
