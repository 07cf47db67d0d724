// `weft echo` against the WebSocket of undici, which is also the one of Node and follows the browsers' interface.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { WebSocket } from 'undici';
import { Server, bytes } from './support.mjs';

async function open(url, ...more) {
  const socket = new WebSocket(url, ...more);
  socket.binaryType = 'arraybuffer';
  await once(socket, 'open');
  return socket;
}

async function echo(socket, what) {
  socket.send(what);
  const [{ data }] = await once(socket, 'message');
  if (typeof what === 'string') assert.ok(data === what, `${what.length} characters came back as ${data.length}, or changed`);
  else assert.ok(Buffer.from(data).equals(what), `${what.length} bytes came back as ${data.byteLength}, or changed`);
}

for (const flags of [[], ['--deflate']]) {
  describe(`undici ${flags}`, { timeout: 60_000 }, () => {
    let server;
    test('talks', async () => {
      server = await Server.start('echo', '--max-message', String(8 << 20), '--subprotocol', 'chat', ...flags);
      const socket = await open(server.url, ['other', 'chat']);
      assert.equal(socket.protocol, 'chat');
      assert.equal(socket.extensions.includes('permessage-deflate'), flags.length > 0);
      for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20, 5_000_000]) {
        await echo(socket, '☕🧵'.slice(0, size) + 'warp and weft '.repeat(size / 14));
        await echo(socket, bytes(size));
      }
      socket.close(4001, 'bye');
      const [{ code, wasClean }] = await once(socket, 'close');
      assert.deepEqual({ code, wasClean }, { code: 4001, wasClean: true });
    });

    test('is told why it must go', async () => {
      const greedy = await open(server.url);
      greedy.send(bytes((8 << 20) + 1));
      const [{ code, reason }] = await once(greedy, 'close');
      assert.equal(code, 1009);
      assert.ok(reason.length > 0);
      const last = await open(server.url);
      const closed = once(last, 'close');
      assert.equal(await server.stop(), 0);
      assert.equal((await closed)[0].code, 1001);
    });
  });
}
