// Clusters for the tests: a Redis of our own, servers of both kinds, and clients that note what they hear. Nothing waits for
// time: a server is in place when Redis counts its subscriptions, and a scene is settled when what each server said last has
// come everywhere. Needs CLUSTER_APP_BIN and redis-server.

import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Emitter } from '@socket.io/redis-emitter';
import { createClient } from 'redis';
import { Manager } from 'socket.io-client';
import { freePort, Server } from './support.mjs';

const nodeApp = fileURLToPath(new URL('cluster_node_app.mjs', import.meta.url));
const namespaces = ['/', '/chat', '/control'];
const patience = 30_000;
/// A channel for one node, whose name is of 6 characters or 16.
const ofNode = /#([\w-]{6}|[0-9a-f]{16})#$/;

// A test that runs out of time leaves its servers behind.
const running = new Set();
after(() => { for (const redis of running) redis.end(); });

/// A Redis server in a folder of its own, and a client of it.
export class Redis {
  static async start() {
    const redis = new Redis();
    redis.folder = mkdtempSync(join(tmpdir(), 'weft-redis-'));
    redis.port = await freePort();
    redis.child = spawn('redis-server', ['--port', redis.port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', redis.folder],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    redis.exited = once(redis.child, 'exit');
    running.add(redis);
    const lines = createInterface({ input: redis.child.stdout });
    for await (const line of lines) if (line.includes('Ready to accept connections')) break;
    redis.child.stdout.resume();
    redis.client = createClient({ url: `redis://127.0.0.1:${redis.port}` }).on('error', () => {});  // which ends with it
    await redis.client.connect();
    return redis;
  }

  /// What PUBSUB tells: of `NUMSUB` and `SHARDNUMSUB` the number, of `CHANNELS` and `SHARDCHANNELS` how many are for one node.
  async count(what, channel) {
    const told = await this.client.sendCommand(['PUBSUB', what, channel]);
    return what.endsWith('NUMSUB') ? told[1] : told.filter((name) => ofNode.test(name)).length;
  }

  /// Until so many connections wait for news of streams.
  async untilReading(count) {
    const end = Date.now() + patience;
    for (let seen; (seen = await this.#reading()) !== count;) if (Date.now() > end) throw new Error(`${seen} readers, not ${count}`);
  }
  async #reading() {
    const list = await this.client.sendCommand(['CLIENT', 'LIST']);
    return list.split('\n').filter((line) => / cmd=xread /.test(line) && / flags=b /.test(line)).length;
  }

  /// Ends the connections of all clients of a type but ours.
  cut(type) { return this.client.sendCommand(['CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes']); }

  /// It answers nobody, and its connections end, until `resume`.
  async pause() {
    await this.client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes']);
    await this.client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    this.child.kill('SIGSTOP');
  }
  resume() { this.child.kill('SIGCONT'); }

  async stop() {
    await this.client.disconnect();
    this.end();
    await this.exited;
  }

  end() {
    if (!running.delete(this)) return;
    this.child.kill('SIGKILL');  // it keeps nothing
    rmSync(this.folder, { recursive: true });
  }
}

/// Values as the traces have them: bytes as such, ids as the names of their owners.
function plain(value, names) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return { bytes: [...new Uint8Array(value.buffer ?? value, value.byteOffset, value.byteLength)] };
  if (Array.isArray(value)) return value.map((one) => plain(one, names));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one, names)]));
  }
  return names.get(value) ?? value;
}

const byText = (x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1);

/// One server or more with a prefix of their own. `kinds`: what each is, "node" or "weft"; they are called a, b, c.
export class Cluster {
  static #count = 0;

  static async start(redis, { adapter, kinds, flags = {} }) {
    const cluster = new Cluster();
    Object.assign(cluster, { redis, adapter, kinds: [...kinds], token: 0, people: new Map(), names: new Map() });
    cluster.letters = ['a', 'b', 'c'].slice(0, kinds.length);
    cluster.prefix = `app.${++Cluster.#count}`;
    cluster.servers = await Promise.all(kinds.map((kind, i) => {
      const args = ['--redis', redis.port, '--adapter', adapter, '--prefix', cluster.prefix, '--name', cluster.letters[i], '--ack-timeout', 2000, ...(flags[kind] ?? [])].map(String);
      return kind === 'node' ? Server.startProgram(process.execPath, [nodeApp, ...args]) : Server.startProgram(process.env.CLUSTER_APP_BIN, args);
    }));
    await cluster.inPlace();
    cluster.controls = await Promise.all(cluster.letters.map((letter) => cluster.#socket(letter, '/control', 'control')));
    return cluster;
  }

  /// Until all servers listen to all namespaces.
  async inPlace() {
    const count = this.kinds.length;
    for (const nsp of namespaces) {
      if (this.adapter === 'sharded') {
        await this.#until('SHARDNUMSUB', `${this.prefix}#${nsp}#`, count);
        await this.#until('SHARDCHANNELS', `${this.prefix}#${nsp}#*`, count);
      } else if (this.adapter === 'streams') {
        await this.#until('NUMSUB', `${this.prefix}#${nsp}#`, count);
        await this.#until('CHANNELS', `${this.prefix}#${nsp}#*`, count);
        await this.redis.untilReading(count);
      } else {
        await this.#until('NUMSUB', `${this.prefix}-request#${nsp}#`, count);
        await this.#until('CHANNELS', `${this.prefix}-response#${nsp}#*`, count);
      }
    }
  }

  async #until(what, channel, count) {
    const end = Date.now() + patience;
    for (let seen; (seen = await this.redis.count(what, channel)) !== count;) {
      if (Date.now() > end) throw new Error(`PUBSUB ${what} ${channel}: ${seen}, not ${count}`);
    }
  }

  /// Until the servers of these members listen to a room, and no others do. Names as long as an id have no channel; Node's
  /// classic adapter listens to all rooms always.
  async untilUsed(room, members, nsp = '/') {
    if (this.adapter === 'streams' || (this.adapter === 'sharded' ? room.length : Buffer.byteLength(room)) === 20) return;
    const servers = new Set(members.map(([letter]) => letter));
    const own = [...servers].filter((letter) => this.adapter === 'sharded' || this.kinds[this.letters.indexOf(letter)] === 'weft');
    await this.#until(this.adapter === 'sharded' ? 'SHARDNUMSUB' : 'NUMSUB', `${this.prefix}#${nsp}#${room}#`, own.length);
  }

  async #socket(letter, nsp, who, manager) {
    const { url } = this.servers[this.letters.indexOf(letter)];
    const over = manager ?? new Manager(url, { transports: ['websocket'], reconnection: false, forceNew: true, query: { who } });
    const socket = over.socket(nsp, { auth: { name: who } });
    socket.changes = new EventEmitter().setMaxListeners(0);
    socket.on('settled', (token) => { socket.settled = token; socket.changes.emit('changed'); });
    socket.on('disconnect', () => socket.changes.emit('changed'));
    await new Promise((done, failed) => { socket.once('connect', done).once('connect_error', failed); });
    return socket;
  }

  /// A client of the server that its name begins with, or a further namespace of one: "b1", "b1/chat".
  async open(name) {
    const [who, chat] = name.split('/');
    const nsp = chat ? `/${chat}` : '/';
    const socket = await this.#socket(who[0], nsp, who, this.people.get(who)?.socket.io);
    const person = { socket, heard: [] };
    socket.onAny((event, ...args) => {
      if (event === 'settled') return;
      const ack = typeof args.at(-1) === 'function' ? args.pop() : undefined;
      person.heard.push([event, ...args]);
      if (ack && !args[0].includes(name)) ack(person.answer ?? name);  // the first argument names who shall be silent
    });
    socket.on('disconnect', (reason) => person.heard.push(['disconnect', reason]));
    this.names.set(socket.id, `<${name}>`);
    this.people.set(name, person);
    return person;
  }

  id(name) { return this.people.get(name).socket.id; }

  /// Lets a client ask its server for something. Resolves to the answer.
  async as(name, verb, ...args) {
    const answer = await this.people.get(name).socket.timeout(patience).emitWithAck(verb, ...args);
    return plain(answer, this.names);
  }
  act(verb, ...args) { return this.as('a1', verb, ...args); }

  /// Who enters which room: {red: ['a1', 'b2']}.
  async enter(rooms, nsp = '/') {
    for (const [room, members] of Object.entries(rooms)) {
      for (const name of members) await this.as(name, 'join', [room]);
      await this.untilUsed(room, members, nsp);
    }
  }

  /// Until everything that servers have said has come. What a server tells itself through Redis comes before what another
  /// server says afterwards.
  async settle() {
    for (const control of this.controls) {
      const token = ++this.token;
      control.emit('settle', token);
      const all = [...this.controls, ...[...this.people.values()].map(({ socket }) => socket)];
      for (const socket of all) {
        while (socket.connected && !(socket.settled >= token)) {
          await once(socket.changes, 'changed', { signal: AbortSignal.timeout(patience) });
        }
      }
    }
  }

  /// What each client has heard since the last time, when all has come.
  async heard() {
    await this.settle();
    const all = {};
    for (const [name, person] of this.people) all[name] = plain(person.heard.splice(0), this.names);
    return all;
  }

  /// What the servers have heard of each other.
  async heardByServers(nsp = '') {
    await this.settle();
    const all = {};
    for (const letter of this.letters) all[letter] = await this.as(`${letter}1${nsp}`, 'heard');
    return all;
  }

  async fetch(to, by = 'a1') {
    const found = await this.as(by, 'fetch', to);
    if (!Array.isArray(found)) return found;
    for (const one of found) {
      one.rooms.sort();
      const key = one.headers['sec-websocket-key'];
      const port = Number(/^127\.0\.0\.1:(\d+)$/.exec(one.headers.host)?.[1]);
      Object.assign(one.headers, { 'sec-websocket-key': key?.length, host: this.servers.some((server) => server.port === port) });
    }
    return found.sort(byText);
  }

  /// The answers to a question, in no order.
  async ask(verb, ...args) {
    const { answers, complete } = await this.act(verb, ...args);
    return { answers: answers.sort(byText), complete };
  }

  /// What the servers answer to a request that no server made: so many, and nobody else before all is settled.
  async asPeer(count, request) {
    const requestId = `peer ${++this.token}`;
    const answers = [];
    const changes = new EventEmitter();
    const listener = await this.redis.client.duplicate().connect();
    await listener.subscribe([`${this.prefix}-response#/#`, `${this.prefix}-response#/#a peer#`], (body) => {
      const { requestId: id, ...answer } = JSON.parse(body);
      if (id === requestId) { answers.push(plain(answer, this.names)); changes.emit('changed'); }
    });
    await this.redis.client.publish(`${this.prefix}-request#/#`, JSON.stringify({ uid: 'a peer', requestId, ...request }));
    while (answers.length < count) await once(changes, 'changed', { signal: AbortSignal.timeout(patience) });
    await this.settle();
    await listener.quit();
    return answers;
  }

  /// Ends one server, and waits until the others can know.
  async end(letter) {
    const at = this.letters.indexOf(letter);
    const [control] = this.controls.splice(at, 1);
    const [server] = this.servers.splice(at, 1);
    this.kinds.splice(at, 1);
    this.letters.splice(at, 1);
    for (const { socket } of [{ socket: control }, ...[...this.people].filter(([name]) => name[0] === letter).map(([, person]) => person)]) socket.io._close();
    for (const name of [...this.people.keys()]) if (name[0] === letter) this.people.delete(name);
    if (await server.stop() !== 0) throw new Error(`${letter} ended badly`);
    await this.inPlace();
  }

  emitter(nsp = '/') { return new Emitter(this.redis.client, { key: this.prefix }, nsp); }

  /// Ends all clients, and waits until no server listens to a room.
  async clear() {
    for (const { socket } of this.people.values()) socket.io._close();
    this.people.clear();
    this.names.clear();
    const list = this.adapter === 'sharded' ? 'SHARDCHANNELS' : 'CHANNELS';
    const end = Date.now() + patience;
    for (let rooms = [0]; rooms.length > 0;) {
      const channels = await this.redis.client.sendCommand(['PUBSUB', list, `${this.prefix}#*`]);
      rooms = channels.filter((name) => !ofNode.test(name) && !namespaces.some((nsp) => name === `${this.prefix}#${nsp}#`));
      if (Date.now() > end) throw new Error(`listened to in vain: ${rooms}`);
    }
  }

  async stop() {
    await this.clear();
    for (const socket of this.controls) socket.io._close();
    return Promise.all(this.servers.map((server) => server.stop()));
  }
}
