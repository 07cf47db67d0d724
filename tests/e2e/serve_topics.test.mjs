// Topics of `weft serve` with a file: one topic for WebSockets and Socket.IO, and who may do what with it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import * as jose from 'jose';
import { io } from 'socket.io-client';
import { Client, freePort, Server } from './support.mjs';

const folder = mkdtempSync(join(tmpdir(), 'weft-topics-'));
after(() => rmSync(folder, { recursive: true }));

const secret = '0123456789abcdef0123456789abcdef';

async function serve(text) {
  const path = join(folder, `weft${Math.random()}.toml`);
  writeFileSync(path, text);
  return Server.start('serve', '--config', path);
}

const token = (subject, claims = {}) => new jose.SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).setIssuedAt()
  .setIssuer('me').setAudience('us').setSubject(subject).setExpirationTime('5m').sign(Buffer.from(secret));

/// A WebSocket that speaks the protocol.
class Speaker {
  static async open(server, options = {}) {
    const speaker = new Speaker();
    speaker.client = await Client.open(`${server.url.replace('http', 'ws')}ws`, options);
    return speaker;
  }
  async next() { return JSON.parse((await this.client.next()).data); }
  /// The answer to a request.
  async ask(request) {
    this.client.send(JSON.stringify(request));
    return this.next();
  }
  close() { return this.client.close(); }
}

async function connect(server, auth) {
  const socket = io(server.url, { forceNew: true, reconnection: false, auth });
  after(() => socket.disconnect());
  await Promise.race([once(socket, 'connect'), once(socket, 'connect_error').then(([error]) => { throw error; })]);
  return socket;
}

test('a topic is one for WebSockets and Socket.IO', async () => {
  const server = await serve('[socketio]\npath = "/socket.io"\n');
  const speaker = await Speaker.open(server);
  const socket = await connect(server);
  const other = await connect(server);
  const heard = [];
  other.onAny((name, what) => heard.push([name, what]));
  assert.equal((await speaker.ask({ type: 'subscribe', topic: 'news' })).count, 1);
  assert.deepEqual(await socket.emitWithAck('subscribe', 'news'), { type: 'subscribed', topic: 'news', count: 2, version: 2 });
  assert.deepEqual(await speaker.next(), { type: 'presence', topic: 'news', count: 2, version: 2 });
  const { you } = await socket.emitWithAck('hello', 'Ada');
  assert.equal(you.name, 'Ada');

  const atSocket = once(socket, 'message');
  await speaker.ask({ type: 'publish', topic: 'news', data: { text: 'hi', n: 12345678901234567890n.toString() }, id: 1 });
  assert.deepEqual((await atSocket)[0].data, { text: 'hi', n: '12345678901234567890' });
  assert.equal((await socket.emitWithAck('publish', 'news', ['back'])).type, 'published');
  assert.deepEqual(await speaker.next(), { type: 'message', topic: 'news', from: you, data: ['back'] });
  assert.equal((await socket.emitWithAck('subscribe', 'news')).code, 'already_subscribed');
  assert.equal((await socket.emitWithAck('subscribe', '')).code, 'bad_topic');
  assert.equal((await socket.emitWithAck('list')).code, 'list_disabled');

  // Each socket is in a room of its own name, which is no topic.
  assert.equal((await socket.emitWithAck('publish', other.id, 'for nobody')).type, 'published');
  assert.equal((await other.emitWithAck('subscribe', 'news')).count, 3);
  assert.deepEqual(heard, []);
  assert.equal((await speaker.next()).count, 3);
  socket.disconnect();
  assert.deepEqual(await speaker.next(), { type: 'presence', topic: 'news', count: 2, version: 4 });
  await speaker.close();
  assert.equal(await server.stop(), 0);
});

test('rights by token: a claim, a subject, and what no rule is for', async () => {
  const server = await serve(`
[auth]
socketio_auth = true
[[auth.issuer]]
iss = "me"
audience = ["us"]
algorithms = ["HS256"]
secret = "${secret}"
[[topic]]
match = "room.*"
subscribe = "claim rooms contains {*}"
publish = "claim role equals editor"
[[topic]]
match = "user.{sub}"
publish = "nobody"
[socketio]
path = "/socket.io"
`);
  await assert.rejects(Speaker.open(server), /401/);
  await assert.rejects(connect(server), /.*/);
  const ada = await token('ada', { rooms: ['red', 'blue'], role: 'editor' });
  const speaker = await Speaker.open(server, { headers: { Authorization: `Bearer ${ada}` } });
  const bob = await connect(server, { token: await token('bob', { rooms: ['red'] }) });
  const code = async (request) => { const told = await speaker.ask({ id: 1, ...request }); return told.code ?? told.type; };
  assert.equal(await code({ type: 'subscribe', topic: 'room.red' }), 'subscribed');
  assert.equal(await code({ type: 'subscribe', topic: 'room.green' }), 'not_allowed');
  assert.equal(await code({ type: 'publish', topic: 'room.green', data: 1 }), 'published');
  assert.equal(await code({ type: 'subscribe', topic: 'user.ada' }), 'subscribed');
  assert.equal(await code({ type: 'publish', topic: 'user.ada', data: 1 }), 'not_allowed');
  assert.equal(await code({ type: 'subscribe', topic: 'user.bob' }), 'not_allowed');
  assert.equal(await code({ type: 'subscribe', topic: 'lobby' }), 'not_allowed');
  assert.equal((await bob.emitWithAck('subscribe', 'room.red')).type, 'subscribed');
  assert.equal((await bob.emitWithAck('subscribe', 'room.blue')).code, 'not_allowed');
  assert.equal((await bob.emitWithAck('subscribe', 'user.ada')).code, 'not_allowed');
  assert.equal((await bob.emitWithAck('publish', 'room.red', 1)).code, 'not_allowed');
  await speaker.close();
  assert.equal(await server.stop(), 0);
});

test('programs of the operator publish by the internal listener', async () => {
  const key = join(folder, 'key');
  writeFileSync(key, 'a-key-of-the-test-suite\n');
  const internal = await freePort();
  const config = join(folder, 'publish.toml');
  writeFileSync(config, `
[[topic]]
match = "*"
publish = "nobody"
[socketio]
path = "/socket.io"
[internal]
port = ${internal}
publish_key_file = "${key}"
`);
  const server = await Server.start('serve', '--config', config);
  const speaker = await Speaker.open(server);
  const socket = await connect(server);
  await speaker.ask({ type: 'subscribe', topic: 'prices/a b' });
  await socket.emitWithAck('subscribe', 'prices/a b');
  await speaker.next();
  const atSocket = once(socket, 'message');
  const weft = (...args) => promisify(execFile)(process.env.WEFT_BIN, ['publish', '--config', config, ...args]);
  await weft('prices/a b', '{"price":1}');
  const said = { type: 'message', topic: 'prices/a b', from: { id: 'server', name: '' }, data: { price: 1 } };
  assert.deepEqual(await speaker.next(), said);
  assert.deepEqual((await atSocket)[0], said);
  const url = `http://127.0.0.1:${internal}/topics/prices/a%20b`;
  const post = (headers, body) => fetch(url, { method: 'POST', headers, body });
  assert.equal((await post({ Authorization: 'Bearer a-key-of-the-test-suite' }, '2')).status, 202);
  assert.equal((await speaker.next()).data, 2);
  assert.equal((await post({}, '2')).status, 401);
  await assert.rejects(weft('news', 'no json'), /not one JSON value/);
  assert.equal((await speaker.ask({ type: 'publish', topic: 'news', data: 1, id: 1 })).code, 'not_allowed');
  await speaker.close();
  assert.equal(await server.stop(), 0);
});

test('a reload takes away what rights no longer allow', async () => {
  const config = join(folder, 'reload.toml');
  const write = (right) => writeFileSync(config, `
[[topic]]
match = "news"
subscribe = "${right}"
[[topic]]
match = "talk"
[socketio]
path = "/socket.io"
`);
  write('anyone');
  const server = await Server.start('serve', '--config', config);
  const speaker = await Speaker.open(server);
  const socket = await connect(server);
  for (const topic of ['news', 'talk']) await speaker.ask({ type: 'subscribe', topic });
  await socket.emitWithAck('subscribe', 'news');
  assert.equal((await speaker.next()).type, 'presence');
  const lost = once(socket, 'unsubscribed');
  write('nobody');
  process.kill(server.child.pid, 'SIGHUP');  // `child.kill` would count as the end
  const told = { type: 'unsubscribed', topic: 'news', code: 'not_allowed' };
  const heard = [await speaker.next()];
  if (heard[0].type === 'presence') heard.push(await speaker.next());  // if the other one went first
  assert.deepEqual(heard.at(-1), told);
  assert.deepEqual((await lost)[0], told);
  assert.equal((await speaker.ask({ type: 'subscribe', topic: 'news', id: 1 })).code, 'not_allowed');
  assert.equal((await socket.emitWithAck('subscribe', 'talk')).count, 2);
  await speaker.close();
  assert.equal(await server.stop(), 0);
});

test('how a topic delivers: sizes and schemas', async () => {
  writeFileSync(join(folder, 'price.json'), '{"type":"object","required":["price"]}');
  const server = await serve(`
[[topic]]
match = "ticker.*"
max_data = 40
latest_by = "symbol"
schema_file = "${join(folder, 'price.json')}"
`);
  const speaker = await Speaker.open(server);
  const code = async (data) => { const told = await speaker.ask({ type: 'publish', topic: 'ticker.us', id: 1, data }); return told.code ?? told.type; };
  assert.equal(await code({ price: 1, symbol: 'A' }), 'published');
  assert.equal(await code({ symbol: 'A' }), 'invalid_data');
  assert.equal(await code({ price: 1, symbol: 'A'.repeat(40) }), 'too_large');
  await speaker.close();
  assert.equal(await server.stop(), 0);
});
