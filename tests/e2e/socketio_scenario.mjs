// One scenario for every Socket.IO server: what clients do, and what they saw. The test runs it against Node's server and
// against ours and compares the traces. The application that a server under test must run is `nodeApplication`; ours is
// tests/support/socketio_app.cpp.

import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { Server as NodeServer } from 'socket.io';
import { Proxy } from './support.mjs';

/// The application on Node's Socket.IO. Resolves to {url, stop}.
export async function nodeApplication(options = {}) {
  const http = createServer((req, res) => { res.statusCode = 404; res.end(); });
  const io = new NodeServer(http, options);
  const reasons = [];
  io.of('/admin').use((socket, next) => {
    if (socket.handshake.auth.token === 'secret') return next();
    const refused = new Error('not authorized');
    refused.data = { code: 42 };
    next(refused);
  });
  io.of('/admin').on('connection', (socket) => { socket.emit('granted', socket.handshake.auth); });
  io.of(/^\/room-\d+$/).on('connection', (socket) => { socket.emit('where', socket.nsp.name); });
  io.on('connection', (socket) => {
    if (!socket.recovered) socket.emit('welcome', socket.handshake.auth, socket.recovered);
    socket.use(([event], next) => next(event === 'forbidden' ? new Error('no') : undefined));
    socket.on('error', () => {});
    socket.on('disconnecting', (reason) => reasons.push(`${reason} in ${socket.rooms.size}`));
    socket.on('echo', (...args) => args.pop()(...args));
    socket.on('sum', (a, b, ack) => ack(a + b));
    socket.on('join', (room, ack) => { socket.join(room); ack(socket.rooms.size); });
    socket.on('leave', (room, ack) => { socket.leave(room); ack(socket.rooms.size); });
    socket.on('say', (room, ...what) => socket.to(room).emit('said', ...what));
    socket.on('shout', (...what) => io.emit('shouted', ...what));
    socket.on('others', (what) => socket.broadcast.emit('other', what));
    socket.on('two_rooms', (a, b, what) => io.to(a).to(b).emit('said', what));
    socket.on('except', (room, what) => io.except(room).emit('excepted', what));
    socket.on('ask', async (question, ack) => ack(await socket.timeout(2000).emitWithAck('question', question)));
    socket.on('ask_room', async (room, question, ack) => ack(await io.to(room).timeout(2000).emitWithAck('question', question)));
    socket.on('ask_deaf', (ack) => socket.timeout(50).emit('deaf', (error) => ack(error ? 'timed out' : 'answered')));
    socket.on('binary', (bytes, ack) => ack({ reversed: Buffer.from(bytes).reverse() }));
    socket.on('volatile', () => socket.volatile.emit('volatile', 1));
    socket.on('many', (n) => { for (let i = 0; i < n; ++i) socket.emit('n', i); });
    socket.on('kick', () => socket.disconnect());
    socket.on('kick_hard', () => socket.disconnect(true));
    socket.on('count', async (room, ack) => ack((await io.in(room).fetchSockets()).length));
    socket.on('pull', (from, to) => io.in(from).socketsJoin(to));
    socket.on('push_out', (from) => io.in(from).disconnectSockets());
    socket.on('reasons', (ack) => ack(reasons.splice(0).sort()));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { url: `http://127.0.0.1:${http.address().port}`, stop: () => new Promise((done) => { io.close(() => done()); }) };
}

/// The next call of an event's handler. With connection state recovery the last argument is an offset, which differs.
const heard = (socket, event) => new Promise((resolve) => socket.once(event, (...args) => {
  if (socket._pid !== undefined && typeof args.at(-1) === 'string' && /^[\w-]{6,}/.test(args.at(-1))) args.pop();
  resolve(args);
}));

/// Until a client has upgraded if it may, else until its poll waits: then a server notices at once when it is gone.
async function untilSettled(socket, { transports = ['websocket'] }, proxy) {
  const last = transports.at(-1);
  while (socket.io.engine.transport.name !== last) await new Promise((done) => setImmediate(done));
  await socket.emitWithAck('echo', 'barrier');
  if (last === 'polling') await proxy.polled();
}

/// Our data model is that of JSON: a Date that came by msgpack goes on as its text.
const asText = (date) => (date instanceof Date ? date.toJSON() : date);

/// Runs the scenario with clients made by `connect(url, options)` and returns what was seen, step by step.
export async function run(url, connect, options) {
  const trace = [];
  const saw = (step, value) => trace.push([step, value]);
  const open = async (path = '', more = {}) => {
    const socket = connect(url + path, { forceNew: true, reconnection: false, ...options, ...more });
    const connected = heard(socket, 'connect');
    const refused = heard(socket, 'connect_error').then(([error]) => { throw error; });
    refused.catch(() => {});
    await Promise.race([connected, refused]);
    return socket;
  };

  const a = connect(url, { forceNew: true, reconnection: false, auth: { name: 'a' }, ...options });
  saw('welcome', await heard(a, 'welcome'));
  const b = await open();
  saw('the id has 20 characters', a.id.length === 20 && a.id !== b.id);

  saw('echo', await Promise.all([
    a.emitWithAck('echo', 'text'), a.emitWithAck('echo', 1.5), a.emitWithAck('echo', null), a.emitWithAck('echo', [1, [2]]),
    a.emitWithAck('echo', { deep: { er: ['x'] } }), a.emitWithAck('echo', 'grüße, 世界 👋 \u2028 "quoted" \\ \n'),
    a.emitWithAck('echo', new Date(0)).then(asText), a.emitWithAck('echo', 'x'.repeat(100_000)).then((s) => s.length),
  ]));
  saw('sum', await a.emitWithAck('sum', 40, 2));
  saw('binary', await a.emitWithAck('binary', Buffer.from([1, 2, 3])).then(({ reversed }) => [...Buffer.from(reversed)]));
  saw('binary echo', await a.emitWithAck('echo', { one: Buffer.from([1]), two: [Buffer.from([2, 3])] })
    .then(({ one, two }) => [[...Buffer.from(one)], [...Buffer.from(two[0])]]));
  saw('big binary', await a.emitWithAck('echo', Buffer.alloc(300_000, 7)).then((bytes) => [bytes.byteLength ?? bytes.length, Buffer.from(bytes)[299_999]]));

  saw('join', [await a.emitWithAck('join', 'red'), await b.emitWithAck('join', 'red'), await b.emitWithAck('join', 'blue'), await b.emitWithAck('join', 'blue')]);
  let said = heard(b, 'said');
  a.emit('say', 'red', 'hello', Buffer.from([9]));
  saw('said', (await said).map((arg) => (typeof arg === 'string' ? arg : [...Buffer.from(arg)])));
  let count = 0;
  b.on('said', () => ++count);
  a.emit('two_rooms', 'red', 'blue', 'once');
  await b.emitWithAck('echo', 'barrier');
  await a.emitWithAck('echo', 'barrier');
  await b.emitWithAck('echo', 'barrier');
  saw('a socket in two rooms hears once', count);
  b.off('said');
  const shouts = [heard(a, 'shouted'), heard(b, 'shouted')];
  a.emit('shout', { to: 'all' });
  saw('shout', await Promise.all(shouts));
  const other = heard(b, 'other');
  a.once('other', () => saw('the sender heard itself', true));
  a.emit('others', 'x');
  saw('others', await other);
  const excepted = heard(a, 'excepted');
  b.once('excepted', () => saw('an excepted room heard', true));
  a.emit('except', 'blue', 'not blue');
  saw('except', await excepted);
  saw('count', [await a.emitWithAck('count', 'red'), await a.emitWithAck('count', 'blue'), await a.emitWithAck('count', 'none'), await a.emitWithAck('count', b.id)]);
  a.emit('pull', 'blue', 'green');
  saw('pull', await a.emitWithAck('count', 'green'));
  saw('leave', [await b.emitWithAck('leave', 'red'), await a.emitWithAck('count', 'red')]);

  for (const socket of [a, b]) socket.on('question', (q, ack) => ack(`${q}!`));
  saw('ask', await a.emitWithAck('ask', 'why'));
  await b.emitWithAck('join', 'red');
  saw('ask_room', await a.emitWithAck('ask_room', 'red', 'who'));
  saw('ask an empty room', await a.emitWithAck('ask_room', 'nobody', 'who'));
  saw('ask_deaf', await a.emitWithAck('ask_deaf'));
  const numbers = [];
  a.on('n', (n) => numbers.push(n));
  a.emit('many', 200);
  await a.emitWithAck('echo', 'barrier');
  saw('order', numbers.length === 200 && numbers.every((n, i) => n === i));
  const dropped = heard(a, 'volatile');
  a.emit('volatile');
  saw('volatile', await dropped);
  a.emit('forbidden');
  a.emit('nobody listens to this', 1);
  a.emit('error', 'is an ordinary name');
  a.emit('__proto__', 'too');
  saw('still there', await a.emitWithAck('sum', 1, 1));

  // Namespaces over one connection.
  const admin = a.io.socket('/admin', { auth: { token: 'wrong' } });
  const [refusal] = await heard(admin, 'connect_error');
  saw('refused', [refusal.message, refusal.data]);
  admin.auth = { token: 'secret' };
  const granted = heard(admin.connect(), 'granted');
  saw('granted', await granted);
  saw('ids differ', admin.id !== a.id && admin.id.length === 20);
  const [unknown] = await heard(a.io.socket('/nothing'), 'connect_error');
  saw('unknown namespace', [unknown.message, unknown.data ?? null]);
  saw('dynamic namespace', await heard(a.io.socket('/room-12'), 'where'));
  const [mismatch] = await heard(a.io.socket('/room-x'), 'connect_error');
  saw('no such dynamic namespace', mismatch.message);

  // Ends.
  const c = await open();
  let ended = heard(c, 'disconnect');
  c.emit('kick');
  saw('kick', (await ended)[0]);
  const d = await open();
  ended = heard(d, 'disconnect');
  d.emit('kick_hard');
  saw('kick_hard', (await ended)[0]);
  const e = await open();
  await e.emitWithAck('join', 'out');
  ended = heard(e, 'disconnect');
  a.emit('push_out', 'out');
  saw('push_out', (await ended)[0]);
  const left = [];
  while (left.length < 3) left.push(...await a.emitWithAck('reasons'));
  saw('reasons', left.sort());
  const f = await open();
  await f.emitWithAck('join', 'x');
  f.disconnect();
  const until = async () => { for (;;) { const seen = await a.emitWithAck('reasons'); if (seen.length > 0) return seen; } };
  saw('reason of a client that leaves', await until());
  const proxy = await Proxy.to(url);
  const g = connect(proxy.url, { forceNew: true, reconnection: false, ...options });
  await heard(g, 'welcome');
  await untilSettled(g, options, proxy);
  proxy.stop();
  saw('reason of a client that vanishes', await until());

  ended = heard(a, 'disconnect');
  a.emit('shout', 'x'.repeat(1_100_000));
  saw('too large', (await ended)[0]);
  b.disconnect();
  return trace;
}

/// A client that loses its connection again and again and comes back, by a server with connection state recovery: what it
/// missed it hears once and in order, and nobody notices the rest.
export async function recover(url, connect, options) {
  const trace = [];
  const saw = (step, value) => trace.push([step, value]);
  const proxy = await Proxy.to(url);
  const a = connect(proxy.url, { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 40, ...options });
  const welcome = await heard(a, 'welcome');
  const b = connect(url, { forceNew: true, reconnection: false, ...options });
  await heard(b, 'welcome');
  const { id } = a;
  const said = [];
  a.on('said', (what) => said.push(Buffer.isBuffer(what) ? [...what] : what));
  a.on('welcome', () => said.push('a new session'));
  await a.emitWithAck('join', 'red');
  const untilNoticed = async () => { while (await b.emitWithAck('count', 'red') > 0); };

  const untilHeard = async (count) => { while (said.length < count) await heard(a, 'said'); };
  const away = async (...meanwhile) => {
    const before = said.length;
    await untilSettled(a, options, proxy);
    const lost = heard(a, 'disconnect');
    proxy.cut();
    await lost;
    await untilNoticed();
    for (const what of meanwhile) b.emit('say', 'red', what);
    await b.emitWithAck('echo', 'barrier');
    const back = heard(a, 'connect');
    proxy.restore();
    await back;
    await untilHeard(before + meanwhile.length);
    return [a.recovered, a.id === id, await b.emitWithAck('count', 'red')];
  };

  saw('welcome', welcome);
  saw('away for nothing', await away());
  saw('and again', await away());
  b.emit('say', 'red', 'heard');
  await untilHeard(1);
  saw('away for three events', await away('missed', Buffer.from([1, 2]), 'also missed'));
  const asked = heard(a, 'disconnect').then(() => a.emitWithAck('echo', 'while away'));
  saw('with something to say', await away('missed again'));
  saw('answer', await asked);
  for (let i = 0; i < 8; ++i) saw('round', await away(...[i, i].slice(i % 3)));
  await a.emitWithAck('echo', 'barrier');
  saw('said', said);
  a.disconnect();
  b.disconnect();
  proxy.stop();
  return trace;
}

/// What requests that no client makes are answered: [what, status, body].
export async function requests(url) {
  const answers = [];
  const ask = (name, method, query, { body, headers = {}, path = '/socket.io/' } = {}) => new Promise((resolve, reject) => {
    const target = new URL(`${url}${path}${query}`);
    const req = httpRequest(target, { method, headers, agent: false }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (part) => { text += part; });
      res.on('end', () => { answers.push([name, res.statusCode, text]); resolve({ res, text }); });
    });
    req.on('error', reject);
    req.end(body);
  });
  const handshake = async () => {
    const { text } = await ask('handshake', 'GET', '?EIO=4&transport=polling');
    answers.pop();
    return JSON.parse(text.slice(1)).sid;
  };
  await ask('no transport', 'GET', '?EIO=4');
  await ask('unknown transport', 'GET', '?EIO=4&transport=tesseract');
  await ask('prototype transport', 'GET', '?EIO=4&transport=__proto__');
  await ask('unknown sid', 'GET', '?EIO=4&transport=polling&sid=abcdefghijklmnopqrst');
  await ask('prototype sid', 'GET', '?EIO=4&transport=polling&sid=__proto__');
  await ask('POST without sid', 'POST', '?EIO=4&transport=polling', { body: '2' });
  await ask('PUT without sid', 'PUT', '?EIO=4&transport=polling', { body: '2' });
  await ask('protocol 3', 'GET', '?EIO=3&transport=polling');
  await ask('protocol 4,4', 'GET', '?EIO=4,4&transport=polling');
  await ask('websocket without upgrade', 'GET', '?EIO=4&transport=websocket');
  let sid = await handshake();
  await ask('another protocol', 'GET', `?EIO=3&transport=polling&sid=${sid}`);
  await ask('octet-stream', 'POST', `?EIO=4&transport=polling&sid=${sid}`, { body: 'x', headers: { 'content-type': 'application/octet-stream' } });
  sid = await handshake();
  await ask('too large', 'POST', `?EIO=4&transport=polling&sid=${sid}`, { body: 'x'.repeat(1_000_001) });
  await ask('kept after too large', 'POST', `?EIO=4&transport=polling&sid=${sid}`, { body: '40' });
  await ask('connected', 'GET', `?EIO=4&transport=polling&sid=${sid}`);
  answers[answers.length - 1][2] = answers[answers.length - 1][2].replace(/"sid":"[^"]{20}"/, '"sid":"..."');
  await ask('bad packet', 'POST', `?EIO=4&transport=polling&sid=${sid}`, { body: 'abc' });
  await ask('closed by it', 'GET', `?EIO=4&transport=polling&sid=${sid}`);
  sid = await handshake();
  await ask('empty POST', 'POST', `?EIO=4&transport=polling&sid=${sid}`, { body: '' });
  sid = await handshake();
  await ask('PUT', 'PUT', `?EIO=4&transport=polling&sid=${sid}`, { body: '4' });
  await ask('other path', 'GET', '?EIO=4&transport=polling', { path: '/socket.iofoo' });
  await ask('bundle of no name', 'GET', '', { path: '/socket.io/other.js' });
  return answers;
}
