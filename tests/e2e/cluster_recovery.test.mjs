// Clients of a cluster with the streams adapter come back to another server than the one they were connected to: with their id,
// rooms and data, and each event that they missed once. Nothing waits for time. Needs CLUSTER_APP_BIN, redis-server and the
// tests' npm packages.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Manager } from 'socket.io-client';
import { Redis } from './cluster_world.mjs';
import { fileURLToPath } from 'node:url';
import { Server } from './support.mjs';

const nodeApp = fileURLToPath(new URL('cluster_node_app.mjs', import.meta.url));
const all = { rooms: [], except: [] };

let redis;
before(async () => { redis = await Redis.start(); });
after(() => redis.stop());

let clusters = 0;
/// Servers with a stream of their own; each is in place when it has read what the one before it said.
async function startCluster(...kinds) {
  const prefix = `recovery.${++clusters}`;
  const servers = [];
  for (const [i, kind] of kinds.entries()) {
    const args = ['--redis', redis.port, '--adapter', 'streams', '--prefix', prefix, '--name', 'abc'[i], '--ack-timeout', 2000].map(String);
    servers.push(await (kind === 'node' ? Server.startProgram(process.execPath, [nodeApp, ...args, '--recovery'])
      : Server.startProgram(process.env.CLUSTER_APP_BIN, [...args, '--recovery', 'yes', '--threads', '2'])));
  }
  await redis.untilReading(kinds.length);
  return { servers, prefix, stop: () => Promise.all(servers.map((server) => server.stop())) };
}

/// A way to one server, and then to another one.
class Door {
  static async to(server) {
    const door = new Door();
    door.server = server;
    door.pairs = new Set();
    door.listener = net.createServer((near) => {
      if (!door.server) { near.destroy(); return; }
      const far = net.connect(door.server.port, '127.0.0.1');
      const pair = [near, far];
      door.pairs.add(pair);
      for (const [from, to] of [pair, [far, near]]) {
        from.pipe(to);
        from.on('error', () => {});
        from.on('close', () => { to.destroy(); door.pairs.delete(pair); });
      }
    }).listen(0, '127.0.0.1');
    await once(door.listener, 'listening');
    return door;
  }
  get url() { return `http://127.0.0.1:${this.listener.address().port}`; }
  /// Ends what is open; what comes next goes to `server`, or nowhere.
  turn(server) {
    this.server = server;
    for (const [near, far] of this.pairs) { near.destroy(); far.destroy(); }
  }
  /// The server hears nothing of the end.
  turnInSecret(server) {
    this.server = server;
    for (const [near, far] of this.pairs) { far.removeAllListeners('close'); near.unpipe(far); near.removeAllListeners('close'); near.destroy(); }
  }
  close() { this.turn(null); this.listener.close(); }
}

class Client {
  static async at(url, transports = ['websocket']) {
    const client = new Client();
    client.heard = [];
    client.changes = new EventEmitter();
    client.manager = new Manager(url, { transports, reconnectionDelay: 5, reconnectionDelayMax: 50, forceNew: true });
    client.socket = client.manager.socket('/');
    client.socket.on('said', (...args) => {
      if (typeof args.at(-1) === 'string' && /^\d+-\d+$/.test(args.at(-1))) args.pop();  // the offset
      client.heard.push(args.length === 1 ? args[0] : args);
      client.changes.emit('heard');
    });
    await client.connected();
    return client;
  }
  async connected() { if (!this.socket.connected) await once(this.socket, 'connect'); }
  async disconnected() { if (this.socket.connected) await once(this.socket, 'disconnect'); }
  async hears(what) { while (JSON.stringify(this.heard.at(-1)) !== JSON.stringify(what)) await once(this.changes, 'heard', { signal: AbortSignal.timeout(20_000) }); }
  ask(...args) { return this.socket.timeout(20_000).emitWithAck(...args); }
  close() { this.manager._close(); }
}

/// Somebody on b, who speaks.
async function scene(...kinds) {
  const cluster = await startCluster(...kinds);
  const door = await Door.to(cluster.servers[0]);
  const mover = await Client.at(door.url);
  const speaker = await Client.at(cluster.servers[1].url);
  const say = (what, to = {}) => speaker.ask('emit', { ...all, ...to }, 'said', what);
  const end = async () => {
    mover.close();
    speaker.close();
    door.close();
    await cluster.stop();
  };
  return { cluster, door, mover, speaker, say, end };
}

for (const [first, second] of [['weft', 'weft'], ['node', 'weft'], ['weft', 'node']]) {
  test(`a client moves from ${first} to ${second}`, async () => {
    const { cluster, door, mover, speaker, say, end } = await scene(first, second);
    const { id } = mover.socket;
    await mover.ask('join', ['red']);
    await mover.ask('set_data', { name: 'mover', level: 7 });
    await say('before');
    await mover.hears('before');
    await mover.ask('rooms');
    door.turn(null);
    await mover.disconnected();
    // Node keeps a socket when it has seen its end.
    while (await redis.client.exists(`sio:session:${mover.socket._pid}`) === 0);
    await say('to all');
    await say('to red', { rooms: ['red'] });
    await say('to blue', { rooms: ['blue'] });
    await say('not to red', { except: ['red'] });
    await say('to it alone', { rooms: [id] });
    await say({ deep: [1, 'two'] });
    await speaker.ask('emit', all, 'said', Buffer.from([1, 2, 3]), 'bytes');
    door.turn(cluster.servers[1]);
    await mover.connected();
    assert.equal(mover.socket.recovered, true);
    assert.equal(mover.socket.id, id);
    await say('after');
    await mover.hears('after');
    assert.deepEqual(mover.heard, ['before', 'to all', 'to red', 'to it alone', { deep: [1, 'two'] }, [Buffer.from([1, 2, 3]), 'bytes'], 'after']);
    assert.deepEqual((await mover.ask('rooms')).sort(), [id, 'red'].sort());
    const found = await speaker.ask('fetch', { ...all, rooms: ['red'] });
    assert.deepEqual(found.map((one) => [one.id, one.data]), [[id, { name: 'mover', level: 7 }]]);
    await say('to red again', { rooms: ['red'] });
    await mover.hears('to red again');
    await end();
  });
}

// socket.io-client keeps what comes before the answer, also when the connection breaks then, and would have it twice.
test('a client is told that it has recovered before it gets what it missed', async () => {
  const { cluster, door, mover, say, end } = await scene('weft', 'weft');
  await say('before');
  await mover.hears('before');
  door.turn(null);
  await mover.disconnected();
  await say('missed');
  let heardWhenConnected;
  mover.socket.once('connect', () => { heardWhenConnected = [...mover.heard]; });
  door.turn(cluster.servers[1]);
  await mover.hears('missed');
  assert.equal(mover.socket.recovered, true);
  assert.deepEqual(heardWhenConnected, ['before']);
  await end();
});

test('a client whose server was killed, before its first event', async () => {
  const { cluster, door, mover, say, end } = await scene('weft', 'weft');
  const { id } = mover.socket;
  await mover.ask('join', ['red']);
  while (!(await redis.client.exists(`sio:session:${mover.socket._pid}`)));
  await once(mover.socket.emit('join', ['green'], () => mover.changes.emit('joined')) && mover.changes, 'joined');
  door.server = null;
  cluster.servers[0].child.kill('SIGKILL');
  await mover.disconnected();
  await say('to red', { rooms: ['red'] });
  await say('to green', { rooms: ['green'] });
  door.turn(cluster.servers[1]);
  await mover.connected();
  assert.equal(mover.socket.recovered, true);
  assert.equal(mover.socket.id, id);
  await say('after');
  await mover.hears('after');
  assert.equal(mover.heard.at(0), 'to red');
  assert.equal(mover.heard.at(-1), 'after');
  await end();
});

test('a client that moves on while others speak: nothing is lost, nothing comes twice', async () => {
  const { cluster, door, mover, speaker, end } = await scene('weft', 'weft', 'weft');
  await mover.ask('join', ['red']);
  const other = await Client.at(cluster.servers[2].url);
  const expected = { speaker: [], other: [] };
  let moving = true;
  const speak = async (who, name) => {
    for (let i = 0; moving; i += 20) {
      const numbers = [...Array(20).keys()].map((n) => `${name} ${i + n}`);
      await Promise.all(numbers.map((what) => who.ask('emit', { ...all, rooms: ['red'] }, 'said', what)));
      expected[name].push(...numbers);
      await who.ask('emit', { ...all, rooms: ['blue'] }, 'said', 'to nobody');
    }
  };
  const speaking = Promise.all([speak(speaker, 'speaker'), speak(other, 'other')]);
  for (let moves = 1; moves <= 60; ++moves) {
    door.turn(cluster.servers[moves % 3]);
    await mover.disconnected();
    await mover.connected();
    assert.equal(mover.socket.recovered, true, `move ${moves}`);
    if (moves % 3 === 0) await mover.ask('rooms');
  }
  moving = false;
  await speaking;
  for (const [who, name] of [[speaker, 'speaker'], [other, 'other']]) {
    await who.ask('emit', all, 'said', `${name} end`);
    expected[name].push(`${name} end`);
  }
  while (!mover.heard.includes('speaker end') || !mover.heard.includes('other end')) await once(mover.changes, 'heard', { signal: AbortSignal.timeout(20_000) });
  for (const name of ['speaker', 'other']) assert.deepEqual(mover.heard.filter((what) => what.startsWith(name)), expected[name]);
  assert.ok(expected.speaker.length > 200, `${expected.speaker.length}`);
  other.close();
  await end();
});

for (const back of ['to another server', 'to the same server']) test(`the old connection of a client that came back ${back} is ended, and its session stays`, async () => {
  const { cluster, door, mover, say, end } = await scene('weft', 'weft');
  const { id } = mover.socket;
  await say('one');
  await mover.hears('one');
  door.turnInSecret(cluster.servers[back === 'to another server' ? 1 : 0]);
  await mover.disconnected();
  await mover.connected();
  assert.equal(mover.socket.recovered, true);
  assert.equal(mover.socket.id, id);
  // Only the new one is left.
  const control = await Client.at(cluster.servers[0].url);
  const soon = Date.now() + 10_000;  // long before its heartbeat fails
  for (let found = []; found.length !== 1; assert.ok(Date.now() < soon)) found = await control.ask('fetch', { ...all, rooms: [id] });
  assert.equal(await redis.client.exists(`sio:session:${mover.socket._pid}`), 1);
  await say('two');
  await mover.hears('two');
  assert.deepEqual(mover.heard, ['one', 'two']);
  control.close();
  await end();
});

test('a client that said farewell does not recover', async () => {
  const { mover, end } = await scene('weft', 'weft');
  const pid = mover.socket._pid;
  mover.socket.disconnect();
  while (await redis.client.exists(`sio:session:${pid}`) === 1);
  mover.socket.connect();
  await mover.connected();
  assert.equal(mover.socket.recovered, false);
  await end();
});

test('clients of one server hear each other while Redis is away, and the other server hears it afterwards', async () => {
  const { cluster, mover, speaker, end } = await scene('weft', 'weft');
  const neighbour = await Client.at(cluster.servers[0].url);
  await speaker.ask('emit', all, 'said', 'before');
  await neighbour.hears('before');
  await redis.pause();
  for (let i = 0; i < 20; ++i) await mover.ask('emit', all, 'said', i);
  await neighbour.hears(19);
  assert.deepEqual(neighbour.heard, ['before', ...Array(20).keys()]);
  assert.deepEqual(speaker.heard, ['before']);
  await redis.resume();
  await speaker.hears(19);
  await mover.ask('emit', all, 'said', 'after');
  await Promise.all([speaker, neighbour, mover].map((one) => one.hears('after')));
  for (const one of [speaker, neighbour, mover]) assert.deepEqual(one.heard, ['before', ...Array(20).keys(), 'after']);
  neighbour.close();
  await end();
});
