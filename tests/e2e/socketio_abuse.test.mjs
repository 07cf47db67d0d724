// Clients that do what no client should, over raw sockets: right and wrong packets in random order, requests in pipelines,
// upgrades that race, sessions used from two connections, connections cut at any moment. Whatever they get, the server has to
// live on, serve a real client, give every descriptor back, and end cleanly. Needs SOCKETIO_APP_BIN, best a sanitized one.
// ABUSE_SEED and ABUSE_STEPS choose another or a longer run.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { io } from 'socket.io-client';
import msgpack from 'socket.io-msgpack-parser';
import { frame, Server } from './support.mjs';

const seed = Number(process.env.ABUSE_SEED ?? 1);
const steps = Number(process.env.ABUSE_STEPS ?? 25);

/// What every choice of one actor is drawn from.
class Chance {
  constructor(start) { this.state = start >>> 0; }
  below(n) {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    x ^= x + Math.imul(x ^ (x >>> 7), 61 | x);
    return ((x ^ (x >>> 14)) >>> 0) % n;
  }
  once_in(n) { return this.below(n) === 0; }
  of(list) { return list[this.below(list.length)]; }
}

const events = [
  '["echo",1,{"a":[null,true]},"\u{1f600}"]', '["sum",1,2]', '["sum","x"]', '["join","r"]', '["leave","r"]', '["say","r",1]',
  '["shout","x"]', '["others",[]]', '["two_rooms","r","q",1]', '["except","r",1]', '["count","r"]', '["pull","r","q"]',
  '["push_out","q"]', '["ask","why"]', '["ask_room","r","why"]', '["ask_deaf"]', '["volatile"]', '["many",50]', '["kick"]',
  '["kick_hard"]', '["reasons"]', '["forbidden"]', '["binary",{"_placeholder":true,"num":0}]', '["nobody"]', '[]', '[1]', '{}',
  '["echo"', '["connect"]', '["disconnect"]', '["echo",{"_placeholder":true,"num":7}]', '['.repeat(80),
];
const namespaces = ['', '/admin,', '/room-1,', '/room-2,', '/nowhere,', '/'.repeat(200) + ','];

/// A Socket.IO packet as text, right more often than not.
function socketioPacket(chance, known) {
  const nsp = chance.once_in(3) ? chance.of(namespaces) : '';
  const id = chance.of(['', '', '0', '1', '7', '9007199254740991', '9007199254740993', '99999999999999999999999']);
  switch (chance.below(10)) {
    case 0: case 1: return `0${nsp}${chance.of(['', '{}', '{"token":"secret"}', '[]', 'x'])}`;
    case 2: return `0${nsp}${JSON.stringify({ pid: chance.of(known.pids), offset: chance.of(known.offsets) })}`;
    case 3: return `1${nsp}`;
    case 4: return `3${nsp}${id}${chance.of(['["answer"]', '[]', `["${'a'.repeat(50_000)}"]`, '{}'])}`;
    case 5: return `5${chance.below(4)}-${nsp}${id}${chance.of(events)}`;
    case 6: return `6${chance.below(3)}-${nsp}${id}["x",{"_placeholder":true,"num":0}]`;
    default: return `2${nsp}${id}${chance.of(events)}`;
  }
}

/// An Engine.IO packet: a string, or a Buffer for a binary one.
function enginePacket(chance, known) {
  if (chance.once_in(12)) return Buffer.from(known.binary[chance.below(known.binary.length)]);
  if (chance.once_in(8)) return chance.of(['0', '1', '2', '3', '5', '6', '7', '', '2probe', '3probe', 'b', 'bAAEC', 'b!', 'b4AAEC']);
  let packet = `4${socketioPacket(chance, known)}`;
  if (chance.once_in(15)) {
    const at = chance.below(packet.length);
    packet = packet.slice(0, at) + String.fromCharCode(chance.below(0x300)) + packet.slice(at + 1);
  }
  return packet;
}

function payload(chance, known) {
  const packets = [];
  for (let n = 1 + chance.below(6); n > 0; --n) {
    const packet = enginePacket(chance, known);
    packets.push(typeof packet === 'string' ? packet : `b${packet.toString('base64')}`);
  }
  return packets.join('\x1e');
}

/// Node keeps the handle of a socket that is reset while it ends.
const reset = (socket) => (socket.writableEnded ? socket.destroy() : socket.resetAndDestroy());

/// One actor: connections to `port`, and what all actors know of each other's sessions.
class Actor {
  constructor(port, chance, known) { Object.assign(this, { port, chance, known, open: new Set() }); }

  async connect() {
    const socket = net.connect(this.port, '127.0.0.1');
    socket.text = '';
    socket.ended = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});  // a reset is an end as well
    socket.on('data', (data) => {
      if (socket.text.length < 100_000) socket.text += data.toString('latin1');
      this.learn(socket.text);
      socket.emit('more');
    });
    this.open.add(socket);
    socket.ended.then(() => this.open.delete(socket));
    await Promise.race([once(socket, 'connect').catch(() => {}), socket.ended]);
    return socket;
  }

  learn(text) {
    for (const [, kind, what] of text.matchAll(/"(sid|pid)":"([^"]+)"/g)) {
      const list = kind === 'sid' ? this.known.sids : this.known.pids;
      list[list.length < 40 ? list.length : this.chance.below(40)] = what;
    }
  }

  query(sid) {
    const eio = this.chance.once_in(10) ? 3 : 4;
    const transport = this.chance.once_in(30) ? 'none' : 'polling';
    return `/socket.io/?EIO=${eio}&transport=${transport}${sid ? `&sid=${sid}` : ''}${this.chance.once_in(20) ? '&j=1' : ''}`;
  }

  get(sid) { return `GET ${this.query(sid)} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n`; }

  post(sid) {
    const body = Buffer.from(payload(this.chance, this.known));
    const type = this.chance.once_in(20) ? 'application/octet-stream' : 'text/plain;charset=UTF-8';
    return Buffer.concat([
      Buffer.from(`POST ${this.query(sid)} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`), body]);
  }

  /// Something new on the socket, its end, or not so long.
  async hear(socket, ms = 30) {
    const stop = new AbortController();
    await Promise.race([once(socket, 'more', { signal: stop.signal }).catch(() => {}), socket.ended,
      sleep(ms, null, { signal: stop.signal }).catch(() => {})]);
    stop.abort();
  }

  async sid() {
    if (this.known.sids.length > 0 && this.chance.once_in(2)) return this.chance.of(this.known.sids);
    const socket = await this.connect();
    socket.write(this.get(''));
    await this.hear(socket, 200);
    socket.destroy();
    return this.chance.of(this.known.sids) ?? 'x';
  }

  /// Polls and posts of one session, in pipelines over one or two connections, cut anywhere.
  async poll() {
    const sid = await this.sid();
    const sockets = [await this.connect(), await this.connect()];
    for (let n = 1 + this.chance.below(6); n > 0; --n) {
      const request = this.chance.once_in(3) ? Buffer.from(this.get(sid)) : this.post(sid);
      const socket = this.chance.of(sockets);
      socket.write(this.chance.once_in(10) ? request.subarray(0, this.chance.below(request.length)) : request);
      if (this.chance.once_in(2)) await this.hear(socket);
    }
    this.leave(sockets, { inOrder: false });
  }

  /// A WebSocket of its own, or as many as like to upgrade one session while it is polled.
  async websocket() {
    const sid = this.chance.once_in(3) ? '' : await this.sid();
    const sockets = [];
    for (let n = sid ? 1 + this.chance.below(3) : 1; n > 0; --n) {
      const socket = await this.connect();
      socket.write(`GET /socket.io/?EIO=4&transport=websocket${sid ? `&sid=${sid}` : ''} HTTP/1.1\r\nHost: a\r\n`
        + 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
        + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
      sockets.push(socket);
    }
    if (sid) {
      for (const socket of sockets) {
        if (!this.chance.once_in(5)) socket.write(frame(1, '2probe'));
        if (this.chance.once_in(3)) await this.hear(socket);
        if (!this.chance.once_in(5)) socket.write(frame(1, '5'));
      }
      const poller = await this.connect();
      poller.write(this.chance.once_in(2) ? this.get(sid) : this.post(sid));
      sockets.push(poller);
    } else {
      sockets[0].write(frame(1, '40'));
    }
    for (let n = this.chance.below(12); n > 0; --n) {
      const packet = enginePacket(this.chance, this.known);
      const opcode = this.chance.once_in(40) ? this.chance.below(16) : typeof packet === 'string' ? 1 : 2;
      sockets[0].write(frame(opcode, packet, { masked: !this.chance.once_in(60) }));
      if (this.chance.once_in(3)) await this.hear(sockets[0]);
    }
    this.leave(sockets, { inOrder: true });
  }

  /// Some are reset, some end in order, some are left to later. Pipelines do not end in order: while a poll waits the server
  /// reads no further, and hears of such an end when the next ping answers that poll.
  leave(sockets, { inOrder }) {
    for (const socket of sockets) {
      if (this.chance.once_in(3)) reset(socket);
      else if (inOrder && this.chance.once_in(2)) socket.end();
    }
    for (const socket of this.open) {
      if (this.open.size <= 20) break;
      this.open.delete(socket);
      reset(socket);
    }
  }

  async act() {
    for (let i = 0; i < steps; ++i) await (this.chance.once_in(2) ? this.poll() : this.websocket());
    for (const socket of this.open) reset(socket);
  }
}

/// Ends with the test, however that ends.
async function start(t, flags) {
  const server = await Server.startProgram(process.env.SOCKETIO_APP_BIN, flags);
  t.after(() => server.child.kill('SIGKILL'));
  return server;
}

const descriptors = (server) => readdirSync(`/proc/${server.child.pid}/fd`).length;

/// The server let go of all that the test opened: as many descriptors as before.
async function givesBack(server, before) {
  for (let i = 0; i < 200 && descriptors(server) > before; ++i) await sleep(25);
  assert.ok(descriptors(server) <= before, `${descriptors(server)} descriptors are open, ${before} were`);
}

async function servesStill(server, client) {
  const socket = io(server.url, { forceNew: true, reconnection: false, ...client });
  assert.deepEqual(await socket.timeout(5000).emitWithAck('echo', 'still there'), 'still there');
  socket.disconnect();
}

const kinds = [
  { name: 'one loop', flags: ['--recovery'] },
  { name: 'four loops, recovery, version 3', flags: ['--threads', '4', '--recovery', '--eio3'] },
  { name: 'msgpack', flags: ['--msgpack', '--threads', '2'], client: { parser: msgpack } },
];

for (const kind of kinds) {
  test(`${kind.name}: survives clients that keep no rule`, { timeout: 60_000 + steps * 1000 }, async (t) => {
    const server = await start(t, kind.flags);
    await servesStill(server, kind.client);
    await sleep(100);
    const before = descriptors(server);
    const known = {
      sids: [], pids: ['x', 'A'.repeat(20), 'A'.repeat(27)], offsets: ['', 'x', '0', 'AAAA', '18446744073709551615'],
      binary: [Buffer.alloc(0), Buffer.from([4]), Buffer.from('binary'), Buffer.alloc(70_000, 1),
        ...kind.client ? [[0, '/'], [2, '/', ['echo', Buffer.alloc(9)]], [3, '/', [1]], [1, '/']].map(([type, nsp, data]) =>
          new msgpack.Encoder().encode({ type, nsp, data, id: 1 })[0]) : []],
    };
    const actors = Array.from({ length: 8 }, (_, i) => new Actor(server.port, new Chance(seed * 1000 + i), known));
    await Promise.all(actors.map((actor) => actor.act()));
    assert.ok(known.sids.length > 10, 'nearly no session was opened');
    if (kind.flags.includes('--recovery')) assert.ok(known.pids.length > 10, 'nearly nobody connected');
    await servesStill(server, kind.client);
    await givesBack(server, before);
    assert.equal(await server.stop(), 0);
  });
}

test('posts that are refused cost no descriptor', { timeout: 60_000 }, async (t) => {
  const server = await start(t, []);
  await servesStill(server);
  const before = descriptors(server);
  const actor = new Actor(server.port, new Chance(seed), { sids: [], pids: [] });
  const socket = await actor.connect();
  for (let i = 0; i < 2000; ++i) {
    const asked = '/socket.io/?EIO=4&transport=polling';
    socket.text = '';
    socket.write(`GET ${asked} HTTP/1.1\r\nHost: a\r\n\r\n`);
    while (!socket.text.includes('"sid"')) await once(socket, 'more');
    const sid = /"sid":"([^"]+)"/.exec(socket.text)[1];
    socket.text = '';
    socket.write(`POST ${asked}&sid=${sid} HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\nContent-Length: 1\r\n\r\n4`);
    while (!socket.text.includes('\r\n\r\n')) await once(socket, 'more');
    assert.match(socket.text, /^HTTP\/1\.1 400 /);
    if (i % 100 === 0) assert.ok(descriptors(server) <= before + 1);
  }
  socket.destroy();
  await givesBack(server, before);
  assert.equal(await server.stop(), 0);
});
