// SIGTERM lets clients of every kind go at an even rate, and none of them misses what was sent before. Needs
// DRAIN_APP_BIN. WEFT_CLIENTS sets how many there are.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { Server } from './support.mjs';

const CLIENTS = Number(process.env.WEFT_CLIENTS ?? 300);
const WINDOW = CLIENTS > 1000 ? 10_000 : 3_000;
const NEWS = 'n'.repeat(2_000);
const MUCH = 8 * 1024 * 1024;

/// One that tells when it was let go, how, and how much it had heard until then.
function plain(url, path = 'ws') {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`);
  const client = { kind: 'ws', heard: 0, socket };
  client.open = once(socket, 'open');
  socket.on('message', (text) => { client.heard += text.length; });
  client.open.then(() => { if (path === 'much') socket.pause(); });
  client.gone = once(socket, 'close').then(([code, reason]) => {
    client.when = performance.now();
    client.told = code === 1001;
    client.reason = reason.toString();
  });
  return client;
}

function socketio(url, transport) {
  const socket = io(url, { transports: [transport], upgrade: false, reconnection: false, forceNew: true, timeout: 60_000 });
  const client = { kind: transport, heard: 0 };
  client.open = new Promise((done, failed) => { socket.once('connect', done).once('connect_error', failed); });
  socket.on('news', (text) => { client.heard += text.length; });
  client.gone = new Promise((done) => {
    socket.once('disconnect', (reason, details) => {
      client.when = performance.now();
      // The engine's close packet, or the close frame of a WebSocket.
      client.told = reason === 'transport close';
      client.reason = `${reason} ${details?.description ?? ''}`;
      done();
    });
  });
  return client;
}

/// A share of them at a time, so that this process keeps up.
async function connect(url) {
  const clients = [];
  const kinds = [() => plain(url), () => socketio(url, 'websocket'), () => socketio(url, 'polling')];
  while (clients.length < CLIENTS) {
    const few = Array.from({ length: Math.min(100, CLIENTS - clients.length) }, (_, i) => kinds[i % kinds.length]());
    await Promise.all(few.map((client) => client.open));
    clients.push(...few);
  }
  return clients;
}

test('clients of every kind are told, at an even rate, behind what is queued', { timeout: 170_000 }, async () => {
  const server = await Server.startProgram(process.env.DRAIN_APP_BIN, ['1000', String(WINDOW), String(WINDOW + 10_000), '5000']);
  const clients = await connect(server.url);
  const slow = Array.from({ length: 10 }, () => plain(server.url, 'much'));
  await Promise.all(slow.map((client) => client.open));
  assert.equal((await fetch(`${server.url}ready`)).status, 200);
  assert.equal((await fetch(`${server.url}say`, { method: 'POST', body: NEWS })).status, 204);
  while (clients.some((client) => client.heard === 0)) await sleep(50);  // or their lag would look like the server's
  server.child.kill('SIGTERM');
  const asked = performance.now();
  await sleep(500);
  assert.equal((await fetch(`${server.url}ready`)).status, 503);
  await Promise.all(clients.map((client) => client.gone));
  for (const client of slow) {
    assert.equal(client.when, undefined, 'it has not read what was sent before its close');
    client.socket.resume();
  }
  await Promise.all(slow.map((client) => client.gone));
  for (const client of slow) assert.deepEqual([client.told, client.heard], [true, MUCH]);
  assert.equal(await server.exited, 0);
  const took = performance.now() - asked - 1000;
  assert.ok(took < WINDOW + 2000, `it took ${took} ms`);

  for (const client of clients) {
    assert.ok(client.told, `${client.kind}: ${client.reason}`);
    assert.equal(client.heard, NEWS.length, client.kind);
    if (client.kind === 'ws') assert.match(client.reason, /^server shutting down, retry after \d+ ms$/);
  }
  const times = clients.map((client) => client.when - asked).sort((a, b) => a - b);
  // Whatever slows this process down makes them look late, never early. Each of the two loops rounds.
  times.forEach((time, i) => {
    const due = 1000 + WINDOW * (i - 1) / (clients.length + slow.length);
    assert.ok(time >= due - 20, `client ${i + 1} of ${CLIENTS} was let go ${Math.round(due - time)} ms early`);
  });
  const seconds = Array(Math.ceil((times.at(-1) - 1000) / 1000)).fill(0);
  for (const time of times) seconds[Math.floor((time - 1000) / 1000)] += 1;
  console.log(`${CLIENTS} clients in ${Math.round(took)} ms, ${CLIENTS * 1000 / WINDOW} per second: ${seconds.join(' ')}`);
});

test('a second SIGTERM ends at once', { timeout: 60_000 }, async () => {
  const server = await Server.startProgram(process.env.DRAIN_APP_BIN, ['30000', '30000', '60000', '0']);
  const client = plain(server.url);
  await client.open;
  server.child.kill('SIGTERM');
  while ((await fetch(`${server.url}ready`)).status === 200) await sleep(10);
  server.child.kill('SIGTERM');
  assert.equal(await server.exited, 0);
  await client.gone;
});
