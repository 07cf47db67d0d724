// The client of Socket.IO 2 (Engine.IO 3) against our server: refused by default, served with `allow_eio3`. Needs
// SOCKETIO_APP_BIN.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import io from 'socket.io-client-v2';
import { Server } from './support.mjs';

const heard = (socket, event) => new Promise((resolve) => socket.once(event, (...args) => resolve(args)));
const ask = (socket, ...args) => new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer)));

for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
  test(`a client of version 2 by ${transports.join(' and ')}`, { timeout: 60_000 }, async () => {
    const server = await Server.startProgram(process.env.SOCKETIO_APP_BIN, ['--eio3']);
    const a = io(server.url, { transports, forceNew: true, reconnection: false });
    const b = io(server.url, { transports, forceNew: true, reconnection: false });
    try {
      assert.deepEqual(await heard(a, 'welcome'), [{}, false]);
      await (b.connected || heard(b, 'connect'));
      assert.deepEqual(await ask(a, 'sum', 40, 2), [42]);
      assert.deepEqual(await ask(a, 'echo', 'grüße 👋', { deep: [null] }), ['grüße 👋', { deep: [null] }]);
      const [{ reversed }] = await ask(a, 'binary', Buffer.from([1, 2, 3]));
      assert.deepEqual([...Buffer.from(reversed)], [3, 2, 1]);
      await ask(b, 'join', 'red');
      const said = heard(b, 'said');
      a.emit('say', 'red', 'hello', Buffer.from([9]));
      const [text, bytes] = await said;
      assert.deepEqual([text, ...Buffer.from(bytes)], ['hello', 9]);
      const admin = io(`${server.url}/nothing`, { transports, forceNew: true, reconnection: false });
      assert.deepEqual(await heard(admin, 'error'), ['Invalid namespace']);
      admin.close();
      const refused = io(`${server.url}/admin`, { transports, forceNew: true, reconnection: false });
      assert.deepEqual(await heard(refused, 'error'), [{ code: 42 }]);
      refused.close();
      const left = heard(a, 'disconnect');
      a.emit('kick');
      assert.deepEqual(await left, ['io server disconnect']);
    } finally {
      a.close();
      b.close();
      assert.equal(await server.stop(), 0);
    }
  });
}

test('a client of version 2 is refused by default', { timeout: 60_000 }, async () => {
  const server = await Server.startProgram(process.env.SOCKETIO_APP_BIN, []);
  const socket = io(server.url, { transports: ['polling'], forceNew: true, reconnection: false });
  const [error] = await heard(socket, 'connect_error');
  assert.equal(error.description, 400);
  socket.close();
  assert.equal(await server.stop(), 0);
});
