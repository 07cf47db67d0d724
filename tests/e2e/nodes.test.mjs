// Without sticky sessions: socket.io's own client and three servers behind HAProxy, which sends each request to the next one.
// Needs CLUSTER_APP_BIN, redis-server and HAProxy.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Manager } from 'socket.io-client';
import { Redis } from './cluster_world.mjs';
import { Server } from './support.mjs';

const PATIENCE = 20_000;
const CLIENTS = 50;
const EVENTS = 1000;  // of each client, each way
const IN_FLIGHT = 50;

let redis;
let servers;
let folder;
let balancer;
let url;

async function freePort() {
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

const announced = async () => (await redis.client.keys('nodes:node:*')).length;

async function until(holds, what) {
  for (const end = Date.now() + PATIENCE; !await holds(); await sleep(20)) assert.ok(Date.now() < end, what);
}

const startServer = (name) => Server.startProgram(process.env.CLUSTER_APP_BIN, ['--redis', String(redis.port), '--prefix', 'nodes',
  '--name', name, '--threads', '2', '--nodes', 'a secret that only these three know']);

async function connect(options) {
  const socket = new Manager(url, { forceNew: true, reconnection: false, ...options }).socket('/');
  socket.lost = [];
  socket.on('disconnect', (reason) => socket.lost.push(reason));
  socket.on('count', (n, done) => { socket.counted.push(n); done(n); });
  socket.counted = [];
  await new Promise((done, failed) => { socket.once('connect', done).once('connect_error', failed); });
  return socket;
}

/// Each event of the client makes the server send one, and both are acknowledged.
async function exchange(socket) {
  const answers = [];
  const lane = async (first) => {
    for (let n = first; n < EVENTS; n += IN_FLIGHT) {
      const { answers: [answer] } = await socket.timeout(PATIENCE).emitWithAck('ask', { rooms: [socket.id], except: [], local: true }, 'count', n);
      answers.push(answer);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, first) => lane(first)));
  const all = Array.from({ length: EVENTS }, (_, n) => n);
  const sorted = (list) => [...list].sort((x, y) => x - y);
  assert.deepEqual(sorted(answers), all);
  assert.deepEqual(sorted(socket.counted), all, 'each event came once');
  assert.deepEqual(socket.lost, []);
}

describe('without sticky sessions', () => {
  before(async () => {
    redis = await Redis.start();
    servers = await Promise.all(['a', 'b', 'c'].map(startServer));
    await until(async () => await announced() === 3, 'three nodes are announced');
    folder = mkdtempSync(join(tmpdir(), 'weft-nodes-'));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    writeFileSync(join(folder, 'haproxy.cfg'), `
      defaults
        mode http
        timeout connect 5s
        timeout client 1m
        timeout server 1m
        timeout tunnel 1h
        option httpclose
        option redispatch 1
        retries 3
      frontend public
        bind 127.0.0.1:${port}
        default_backend weft
      backend weft
        balance roundrobin
        option httpchk
        ${servers.map((server, i) => `server weft${i} 127.0.0.1:${server.port} check inter 100 fall 1 rise 1`).join('\n        ')}\n`);
    balancer = spawn('/usr/sbin/haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: ['ignore', 'ignore', 'inherit'] });
    await until(() => new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1').once('connect', () => { socket.destroy(); resolve(true); }).once('error', () => resolve(false));
    }), 'HAProxy listens');
  });

  after(async () => {
    balancer?.kill('SIGKILL');
    for (const server of servers ?? []) await server.stop();
    await redis?.stop();
    if (folder) rmSync(folder, { recursive: true });
  });

  for (const [name, options] of [['polling then upgrade', {}], ['polling only', { transports: ['polling'] }]]) {
    test(`${name}: ${CLIENTS} clients lose nothing`, { timeout: 170_000 }, async () => {
      const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => connect(options)));
      if (!options.transports) {
        await until(() => sockets.every((socket) => socket.io.engine.transport.name === 'websocket'), 'all have upgraded');
      }
      await Promise.all(sockets.map(exchange));
      for (const socket of sockets) socket.io._close();
    });
  }

  test('binary data, and broadcasts between sessions of different nodes', { timeout: 30_000 }, async () => {
    const sockets = await Promise.all(Array.from({ length: 6 }, () => connect({ transports: ['polling'] })));
    const bytes = Buffer.alloc(500_000, 7);
    const heard = sockets.map((socket) => once(socket, 'picture'));
    await sockets[0].timeout(PATIENCE).emitWithAck('emit', { rooms: [], except: [] }, 'picture', bytes);
    for (const [picture] of await Promise.all(heard)) assert.deepEqual(Buffer.from(picture), bytes);
    for (const socket of sockets) socket.io._close();
  });

  test('clients of a node that was killed come back', { timeout: 30_000 }, async () => {
    const socket = await connect({ transports: ['polling'], reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 });
    const before = socket.id;
    const holds = async (server) => {
      const direct = new Manager(server.url, { forceNew: true, reconnection: false }).socket('/');
      const found = await direct.timeout(PATIENCE).emitWithAck('fetch', { rooms: [before], except: [], local: true });
      direct.io._close();
      return found.length === 1;
    };
    const owners = await Promise.all(servers.map(holds));
    assert.equal(owners.filter(Boolean).length, 1);
    const owner = servers[owners.indexOf(true)];
    const back = once(socket, 'connect');
    owner.child.kill('SIGKILL');
    assert.equal((await once(socket, 'disconnect'))[0], 'transport error');
    await back;
    assert.notEqual(socket.id, before);
    socket.io._close();
  });
});
