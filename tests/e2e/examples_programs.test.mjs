// The first programs of a newcomer, examples/rooms.cpp, reconnect.cpp, kitchen.cpp and members.cpp: what clients that we did not write see of
// them, and how they end at SIGTERM. Needs EXAMPLES_DIR, and curl.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { SignJWT } from 'jose';
import { io } from 'socket.io-client';
import { WebSocketServer } from 'ws';
import { Certificate, Client, Server } from './support.mjs';

const program = (name) => join(process.env.EXAMPLES_DIR, `weft_example_${name}`);
const certificate = new Certificate();
after(() => certificate.remove());

/// What curl says: the body, and the status in a last line.
async function curl(...args) {
  const flags = ['--silent', '--show-error', '--cacert', certificate.cert, '--write-out', '\n%{http_code}'];
  const { stdout } = await promisify(execFile)('curl', [...flags, ...args]);
  const [, body, status] = /^(.*)\n(\d+)$/s.exec(stdout);
  return { body, status: Number(status) };
}

test('rooms', { timeout: 30_000 }, async () => {
  const pages = join(certificate.folder, 'pages');
  mkdirSync(pages);
  writeFileSync(join(pages, 'index.html'), 'a page');
  const server = await Server.startProgram(program('rooms'), [certificate.cert, certificate.key, pages, '0']);
  const visit = (who) =>
    Client.open(`${server.url.replace('https', 'wss')}rooms/lobby${who}`, { ca: certificate.pem });
  try {
    await assert.rejects(visit(''), /Unexpected server response: 400/);
    const [ada, bob] = [await visit('?name=Ada'), await visit('?name=Bob')];
    ada.send('hi');
    assert.deepEqual(JSON.parse((await bob.next()).data), { from: 'Ada', text: 'hi' });

    const room = `${server.url}rooms/lobby`;
    assert.deepEqual(JSON.parse((await curl(room)).body), { room: 'lobby', visitors: 2 });
    const post = (what) => curl('--json', what, room);
    assert.equal((await post('{"from":"desk","text":"closing soon"}')).status, 204);
    for (const client of [ada, bob]) assert.equal(JSON.parse((await client.next()).data).text, 'closing soon');
    const refused = await post('{"from":"desk","text":7}');
    assert.equal(refused.status, 400);
    assert.match(refused.body, /text: expected a string/);

    assert.deepEqual(await curl(server.url), { body: 'a page', status: 200 });
    assert.equal((await curl('--path-as-is', `${server.url}../key.pem`)).status, 400);

    server.child.kill('SIGTERM');
    for (const client of [ada, bob]) assert.equal((await client.closed).code, 1001);
  } finally {
    assert.equal(await server.stop(), 0);
  }
});

/// The exit code of a program that ends at once, and what it says.
const failing = (path, ...args) => new Promise((resolve, reject) => {
  execFile(path, args, { timeout: 10_000 }, (error, _, stderr) =>
    (error ? resolve({ code: error.code, stderr }) : reject(new Error('it went well'))));
});

const children = [];
after(() => { for (const child of children) child.kill('SIGKILL'); });

/// The client, and what it prints.
function reconnecting(...args) {
  const child = spawn(program('reconnect'), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, ended: once(child, 'exit').then(([code]) => code), line: async () => (await lines.next()).value };
}

test('reconnect', { timeout: 30_000 }, async () => {
  const https = createServer({ cert: certificate.pem, key: readFileSync(certificate.key) });
  const server = new WebSocketServer({ server: https, verifyClient: ({ req }) => req.url !== '/private' });
  const url = await new Promise((listening) => https.listen(0, '127.0.0.1', () =>
    listening(`wss://localhost:${https.address().port}`)));
  const connections = on(server, 'connection');
  server.on('connection', (socket) => { socket.greeting = once(socket, 'message'); });
  const accepted = async () => {
    const [socket] = (await connections.next()).value;
    assert.equal((await socket.greeting)[0].toString(), 'hello');
    return socket;
  };
  const client = reconnecting(url, certificate.cert);
  try {
    let socket = await accepted();
    assert.equal(await client.line(), 'connected');
    socket.send('news');
    assert.equal(await client.line(), '> news');

    // A server that restarts.
    socket.close(1012);
    assert.equal(await client.line(), 'closed: 1012');
    assert.match(await client.line(), /^next attempt in \d\.\d s$/);
    socket = await accepted();
    assert.equal(await client.line(), 'connected');

    client.child.kill('SIGTERM');
    assert.equal((await once(socket, 'close'))[0], 1000);
    assert.equal(await client.line(), 'closed: 1000');
    assert.equal(await client.ended, 0);

    const unwelcome = reconnecting(`${url}/private`, certificate.cert);
    assert.match(await unwelcome.line(), /^not connected: .*401/);
    assert.equal(await unwelcome.ended, 0);

    // Without the CA it goes on trying until it is told to end.
    const distrustful = reconnecting(url);
    assert.match(await distrustful.line(), /certificate/);
    assert.match(await distrustful.line(), /^next attempt/);
    distrustful.child.kill('SIGTERM');
    assert.equal(await distrustful.ended, 0);
  } finally {
    for (const socket of server.clients) socket.terminate();
    server.close();
    https.close();
    https.closeAllConnections();
  }
});

test('kitchen', { timeout: 30_000 }, async () => {
  const server = await Server.startProgram(program('kitchen'), ['0']);
  const sockets = [];
  const login = (auth) => {
    sockets.push(io(server.url, { auth, forceNew: true, reconnection: false }));
    return sockets.at(-1);
  };
  const next = (socket, event) => new Promise((resolve) => socket.once(event, (...args) => resolve(args)));
  const ask = (socket, ...event) => socket.timeout(5000).emitWithAck(...event);
  try {
    const [stranger] = await next(login({ name: 'Eve', password: '1234' }), 'connect_error');
    assert.equal(stranger.message, 'wrong name or password');
    const [nobody] = await next(login({}), 'connect_error');
    assert.match(nobody.message, /name/);

    const [ada, bob, cyd] = ['Ada', 'Bob', 'Cyd'].map((name) => login({ name, password: 'weft' }));
    for (const socket of [ada, bob]) assert.equal(await ask(socket, 'serve', 7), true);
    const dish = { table: 7, dish: 'soup' };
    assert.equal((await ask(cyd, 'order', dish)).error.message, 'not your table');
    assert.equal((await ask(ada, 'order', { table: 7 })).error.code, 'socketio.bad_argument');

    const told = [next(bob, 'ordered'), next(ada, 'ready'), next(bob, 'ready')];
    assert.equal(await ask(ada, 'order', dish), undefined);
    assert.deepEqual(await Promise.all(told), [[dish, 'Ada'], [dish], [dish]]);
    const [time] = await next(cyd, 'time');
    assert.ok(Math.abs(new Date(time) - Date.now()) < 60_000, `${time} is not now`);

    const { code, stderr } = await failing(program('kitchen'), String(server.port));
    assert.equal(code, 1);
    assert.match(stderr, /^kitchen: .*in use/);

    const ends = [ada, bob, cyd].map((socket) => next(socket, 'disconnect'));
    server.child.kill('SIGTERM');
    for (const [reason] of await Promise.all(ends)) assert.equal(reason, 'transport close');
  } finally {
    for (const socket of sockets) socket.disconnect();
    assert.equal(await server.stop(), 0);
  }
});

test('members', { timeout: 30_000 }, async () => {
  const secret = 'x'.repeat(48);
  const file = join(certificate.folder, 'secret');
  writeFileSync(file, `${secret}\n`);
  const mint = (sub, life = '15m') => new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setIssuer('members')
    .setAudience('chat').setSubject(sub).setIssuedAt().setExpirationTime(life).sign(Buffer.from(secret));
  const server = await Server.startProgram(program('members'), [file, '0']);
  const url = `${server.url.replace('http', 'ws')}chat`;
  const enter = async (token) => {
    const client = await Client.open(url);
    client.send(JSON.stringify({ type: 'auth', token }));
    return { client, told: JSON.parse((await client.next()).data) };
  };
  try {
    const stranger = await enter(await mint('eve', '-5m'));
    assert.deepEqual(stranger.told, { type: 'auth', ok: false, error: 'token expired' });
    assert.equal((await stranger.client.closed).code, 4001);

    const token = await mint('ada');
    const ada = await enter(token);
    assert.equal(ada.told.ok, true);
    const bob = await Client.open(url, { headers: { authorization: `Bearer ${await mint('bob')}` } });
    bob.send('{"text":"hi"}');
    for (const client of [ada.client, bob])
      assert.deepEqual(JSON.parse((await client.next()).data), { from: 'bob', text: 'hi' });
    bob.send('{"text":7}');
    const complaint = JSON.parse((await bob.next()).data);
    assert.deepEqual([complaint.path, complaint.rule, complaint.kind], ['/text', 'type', 'number']);

    const logout = (bearer) =>
      fetch(`${server.url}logout`, { method: 'POST', headers: { authorization: `Bearer ${bearer}` } });
    assert.equal((await logout('nonsense')).status, 401);
    assert.equal((await logout(token)).status, 204);
    assert.equal((await ada.client.closed).code, 4001);
    assert.equal((await logout(token)).status, 401);
    assert.equal(bob.socket.readyState, 1);

    server.child.kill('SIGTERM');
    assert.equal((await bob.closed).code, 1001);
  } finally {
    assert.equal(await server.stop(), 0);
  }
});
