// Our Socket.IO client, with typed handlers, against Node's server: what socketio_scenario.test.mjs does not tell. Needs
// SOCKETIO_CLIENT_PROBE_BIN and openssl.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { Server } from 'socket.io';
import * as msgpack from 'socket.io-msgpack-parser';
import { Certificate } from './support.mjs';

let certificate;
before(() => { certificate = new Certificate(); });
after(() => certificate.remove());

async function serve(t, { tls = false, ...options } = {}) {
  const http = tls ? createHttps({ key: readFileSync(certificate.key), cert: certificate.pem }) : createHttp();
  const io = new Server(http, options);
  await new Promise((done) => http.listen(0, '127.0.0.1', done));
  t.after(() => { io.close(); http.closeAllConnections(); });
  return { io, url: `${tls ? 'https://localhost' : 'http://127.0.0.1'}:${http.address().port}` };
}

// The probe: its lines, and a promise for its end.
function start(t, ...args) {
  const child = spawn(process.env.SOCKETIO_CLIENT_PROBE_BIN, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const lines = [];
  const waiting = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const w of waiting.splice(0)) w();
  });
  const exited = once(child, 'exit').then(([code]) => code);
  const seen = async (line) => { while (!lines.includes(line)) await new Promise((done) => waiting.push(done)); };
  return { lines, exited, seen };
}

const nextSocket = (nsp) => new Promise((done) => nsp.once('connection', done));

const kinds = [
  { name: 'polling', args: ['--transports', 'polling'], end: 'polling' },
  { name: 'WebSocket', args: ['--transports', 'websocket'], end: 'websocket' },
  { name: 'upgrade', args: [], end: 'websocket' },
];
for (const { name, args, end } of kinds) {
  for (const tls of [false, true]) {
    for (const packed of [false, true]) {
      test(`a conversation: ${name}, ${tls ? 'TLS' : 'plain'}, ${packed ? 'msgpack' : 'text'}`, async (t) => {
        const { io, url } = await serve(t, { tls, ...(packed && { parser: msgpack }) });
        const joined = nextSocket(io);
        const probe = start(t, url, ...args, ...(tls ? ['--ca', certificate.cert] : []), ...(packed ? ['--msgpack'] : []));
        const socket = await joined;
        const early = new Promise((done) => socket.once('early', done));
        socket.on('echo', (...all) => all.pop()(...all));
        socket.on('blob', (data, answer) => answer(data));
        assert.equal(await early, 1);
        socket.emit('start');
        assert.equal(await socket.emitWithAck('sum', 40, 2), 42);
        const back = await socket.emitWithAck('reverse', Buffer.from([1, 2, 3]));
        assert.deepEqual([...back], [3, 2, 1]);
        const refused = await socket.emitWithAck('sum', 'forty', 2);
        assert.equal(refused.error.code, 'socketio.bad_argument');
        await Promise.all(['echo hé 3', 'blob intact', 'silence'].map(probe.seen));
        let transport = '';
        while (transport !== end) transport = await socket.emitWithAck('transport');
        const left = new Promise((done) => socket.once('disconnect', done));
        socket.emit('finish');
        assert.equal(await left, 'client namespace disconnect');
        assert.equal(await probe.exited, 0);
        assert.equal(probe.lines[0], 'connect');
      });
    }
  }
}

test('namespaces with middlewares, one connection', async (t) => {
  const { io, url } = await serve(t);
  io.of('/admin').use((socket, next) => {
    if (socket.handshake.auth.token === 'good') return next();
    next(Object.assign(new Error('not you'), { data: { code: 7 } }));
  });
  const joined = nextSocket(io);
  const bad = start(t, url, '--admin', '--token', 'bad');
  await bad.seen('admin connect_error not you {"code":7}');
  (await joined).emit('finish');
  assert.equal(await bad.exited, 0);
  const admitted = nextSocket(io.of('/admin'));
  const again = nextSocket(io);
  const good = start(t, url, '--admin', '--token', 'good');
  await good.seen('admin connect');
  assert.equal((await admitted).conn.id, (await again).conn.id);
  (await again).emit('finish');
  assert.equal(await good.exited, 0);
});

for (const { name, args } of kinds) {
  test(`comes back and recovers: ${name}`, async (t) => {
    const { io, url } = await serve(t, { connectionStateRecovery: {} });
    const joined = nextSocket(io);
    const probe = start(t, url, ...args);
    const socket = await joined;
    socket.emit('news', 'first');
    await probe.seen('news first');
    const again = nextSocket(io);
    socket.conn.close();
    io.emit('news', 'missed');
    const same = await again;
    assert.equal(same.recovered, true);
    assert.equal(same.id, socket.id);
    await probe.seen('news missed');
    same.emit('finish');
    assert.equal(await probe.exited, 0);
    assert.deepEqual(probe.lines.filter((l) => !l.startsWith('disconnect transport')),
      ['connect', 'news first', 'reconnect', 'news missed', 'connect recovered']);
  });
}

test('a server that takes leave is not asked again', async (t) => {
  const { io, url } = await serve(t);
  const joined = nextSocket(io);
  const probe = start(t, url);
  (await joined).disconnect(true);
  await probe.seen('disconnect io server disconnect');
});
