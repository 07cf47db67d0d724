// Three servers behind HAProxy are killed one after the other, again and again, while many clients speak to rooms. What was
// acknowledged reaches each member of its room once, in the order of its speaker; nothing comes twice; every client that lost
// its server recovers. An event whose connection ended before the acknowledgement may have arrived or not.
//
// The proxy sends each request to the next server, so servers pass on what is for another one's session. WEFT_CLIENTS,
// WEFT_EVENTS and WEFT_KILLS make it larger: 1000, 1000000 and 60. WEFT_TRANSPORTS=websocket spares the polls. Needs
// CLUSTER_APP_BIN, redis-server, HAProxy and the tests' npm packages.

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Manager } from 'socket.io-client';
import { Redis } from './cluster_world.mjs';
import { freePort, Server, startProxy } from './support.mjs';

const { WEFT_CLIENTS, WEFT_EVENTS, WEFT_KILLS, WEFT_TRANSPORTS } = process.env;
const sizes = { clients: Number(WEFT_CLIENTS ?? 100), events: Number(WEFT_EVENTS ?? 20_000), kills: Number(WEFT_KILLS ?? 9) };
const transports = WEFT_TRANSPORTS?.split(',') ?? ['polling', 'websocket'];
const names = ['a', 'b', 'c'];
const inFlight = 4;  // events of one client
const patience = 60_000;

/// Ports that no outgoing connection gets, so that a server that was killed finds its own again.
async function lowPort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try { return await freePort(port); } catch (error) { assert.equal(error.code, 'EADDRINUSE'); }
  }
}

async function startHaproxy(folder, ports) {
  const port = await freePort();
  const path = join(folder, 'haproxy.cfg');
  writeFileSync(path, `
defaults
    mode http
    timeout connect 5s
    timeout client 1m
    timeout server 1m
    timeout tunnel 1h
    retries 3
    option redispatch 1
    retry-on conn-failure
listen weft
    bind 127.0.0.1:${port}
    balance roundrobin
${ports.map((each, i) => `    server ${names[i]} 127.0.0.1:${each} check inter 50 fall 1 rise 1`).join('\n')}
`);
  return startProxy(port, '/usr/sbin/haproxy', ['-db', '-f', path]);
}

/// The servers behind the proxy.
class World {
  static async start() {
    const world = new World();
    world.folder = mkdtempSync(join(tmpdir(), 'weft-rolling-'));
    after(() => rmSync(world.folder, { recursive: true }));
    world.redis = await Redis.start();
    world.ports = [];
    world.servers = [];
    for (const i of names.keys()) {
      world.ports.push(await lowPort());
      await world.startServer(i);
    }
    await world.redis.untilReading(names.length);
    world.proxy = await startHaproxy(world.folder, world.ports);
    world.url = `http://127.0.0.1:${world.proxy.port}`;
    return world;
  }

  async startServer(i) {
    this.servers[i] = await Server.startProgram(process.env.CLUSTER_APP_BIN, ['--port', this.ports[i], '--redis', this.redis.port,
      '--adapter', 'streams', '--recovery', 'yes', '--stream-length', sizes.events, '--name', names[i], '--nodes', 'a secret of these three servers'].map(String));
  }

  async kill(i) {
    this.servers[i].child.kill('SIGKILL');
    await this.servers[i].exited;
  }

  async stop() {
    for (const server of this.servers) assert.equal(await server.stop(), 0);
    await this.proxy.stop();
    await this.redis.stop();
  }
}

/// All clients and what they know.
class Crowd extends EventEmitter {
  constructor(url) {
    super();
    this.setMaxListeners(0);
    Object.assign(this, { url, people: [], acknowledged: 0, unknown: 0, deliveries: 0, recoveries: 0, speaking: false, faults: [] });
    this.by = Object.fromEntries(names.map((name) => [name, 0]));
  }

  /// Rooms of two, and every fourth of four.
  async gather(count) {
    for (let room = 0; this.people.length < count; ++room) {
      const members = [...Array(room % 4 === 3 ? 4 : 2).keys()].map((n) => this.people.length + n);
      for (const i of members) this.people.push(new Person(this, i, `room ${room}`, members));
    }
    await Promise.all(this.people.map((one) => one.enter()));
  }

  fault(text) {
    this.faults.push(text);
    this.emit('changed');
  }

  async until(what, holds) {
    const signal = AbortSignal.timeout(patience);
    while (!holds() && this.faults.length === 0) {
      await once(this, 'changed', { signal }).catch(() => this.fault(`never came: ${what}`));
    }
    assert.deepEqual(this.faults.slice(0, 10), []);
  }

  speak() {
    this.speaking = true;
    for (const one of this.people) one.speak();
  }

  /// Lets clients change their connections until one is at this server.
  async reach(name) {
    const before = this.by[name];
    while (this.by[name] === before) {
      const one = this.people[Math.floor(Math.random() * this.people.length)];
      if (!one.socket.connected) continue;
      one.socket.io.engine.close();
      await this.until(`client ${one.index} is back`, () => one.socket.connected);
      await one.answered();
    }
  }

  close() { for (const one of this.people) one.socket.io._close(); }
}

class Person {
  constructor(crowd, index, room, members) {
    Object.assign(this, { crowd, index, room, members, said: 0, owed: 0, acknowledged: [], connections: 0 });
    this.heard = new Map(members.map((each) => [each, []]));
    this.socket = new Manager(crowd.url, { transports, reconnectionDelay: 10, reconnectionDelayMax: 200, forceNew: true }).socket('/');
    this.socket.on('said', (text) => this.hear(text));
    this.socket.on('connect', () => this.connected());
    this.socket.on('disconnect', () => crowd.emit('changed'));
  }

  connected() {
    if (++this.connections > 1) {
      if (!this.socket.recovered) return this.crowd.fault(`client ${this.index} did not recover, connection ${this.connections}`);
      ++this.crowd.recoveries;
    }
    this.crowd.emit('changed');
    this.speak();
  }

  /// Into its room; resolves when that outlives the server.
  async enter() {
    if (!this.socket.connected) await once(this.socket, 'connect');
    await this.socket.emitWithAck('join', [this.room]);
  }

  hear(text) {
    const [speaker, number] = text.split(' ').map(Number);
    ++this.crowd.deliveries;
    if (this.heard.has(speaker)) this.heard.get(speaker).push(number);
    else this.crowd.fault(`client ${this.index} heard ${text}, which is for another room`);
    if (!this.crowd.speaking) this.crowd.emit('changed');
  }

  /// As much as may be in flight.
  speak() {
    while (this.crowd.speaking && this.socket.connected && this.owed < inFlight) this.say();
  }

  say() {
    const number = this.said++;
    ++this.owed;
    this.socket.timeout(patience).emit('say', this.room, `${this.index} ${number}`, (error, server) => {
      --this.owed;
      if (error?.message === 'operation has timed out') this.crowd.fault(`client ${this.index} got no acknowledgement`);
      if (error || !server) {
        ++this.crowd.unknown;
      } else {
        this.acknowledged.push(number);
        ++this.crowd.acknowledged;
        ++this.crowd.by[server];
      }
      this.crowd.emit('changed');
      this.speak();
    });
  }

  /// Until something that it says is acknowledged, or it is gone.
  async answered() {
    const before = this.acknowledged.length;
    await this.crowd.until(`client ${this.index} is answered`, () => this.acknowledged.length > before || !this.socket.connected);
  }

  /// What it should have heard of the members of its room, and what it did.
  judge() {
    for (const speaker of this.members) {
      const heard = this.heard.get(speaker);
      const who = `client ${this.index}, from ${speaker}:`;
      const once = new Set(heard);
      if (once.size !== heard.length) this.crowd.fault(`${who} twice ${heard.filter((each, i) => heard.indexOf(each) !== i)}`);
      const due = this.crowd.people[speaker].acknowledged;
      const lost = due.filter((number) => !once.has(number));
      if (lost.length > 0) this.crowd.fault(`${who} never ${lost}`);
      const known = new Set(due);
      const ordered = heard.filter((number) => known.has(number));
      if (ordered.some((number, i) => i > 0 && number < ordered[i - 1])) this.crowd.fault(`${who} not in order`);
    }
  }
}

test('servers are killed one after the other: nothing that was acknowledged is lost, nothing comes twice, everyone recovers', async (t) => {
  const world = await World.start();
  const crowd = new Crowd(world.url);
  t.after(() => crowd.close());
  await crowd.gather(sizes.clients);
  const began = Date.now();
  crowd.speak();
  for (let kill = 0; kill < sizes.kills; ++kill) {
    await crowd.until('the next kill', () => crowd.acknowledged >= ((kill + 1) * sizes.events) / (sizes.kills + 1));
    await world.kill(kill % names.length);
    await world.startServer(kill % names.length);
    await crowd.reach(names[kill % names.length]);
  }
  await crowd.until('all events', () => crowd.acknowledged >= sizes.events);
  crowd.speaking = false;
  const seconds = (Date.now() - began) / 1000;
  await crowd.until('all answers', () => crowd.people.every((one) => one.owed === 0 && one.socket.connected));
  // What each room hears last.
  for (const one of crowd.people) one.say();
  await crowd.until('the last answers', () => crowd.people.every((one) => one.owed === 0));
  const lastCame = (one) => one.members.every((each) => one.heard.get(each).at(-1) === crowd.people[each].said - 1);
  await crowd.until('the last words', () => crowd.people.every(lastCame)).catch(() => {});
  for (const one of crowd.people) one.judge();
  console.log(`${crowd.people.length} clients, ${sizes.kills} kills, ${crowd.recoveries} recoveries, ${crowd.acknowledged} events acknowledged, `
    + `${crowd.unknown} unknown, ${crowd.deliveries} deliveries, ${seconds} s`);
  assert.deepEqual(crowd.faults.slice(0, 10), []);
  crowd.close();
  await world.stop();
});
