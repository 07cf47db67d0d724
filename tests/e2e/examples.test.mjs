// The programs of examples/, as the official client sees them: what they tell, and what they refuse. The collaborative text is
// also driven by its own script, without a page. Needs EXAMPLES_DIR, the folder with the programs, and WEFT_BIN.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { io } from 'socket.io-client';
import WebSocket from 'ws';
import { Server } from './support.mjs';

const sources = new URL('../../examples/', import.meta.url).pathname;
const program = (name) => join(process.env.EXAMPLES_DIR, `weft_example_${name}`);
const example = (name, ...args) => Server.startProgram(program(name), args);

/// Starts a server, and ends it and every client that `connect` made.
async function withServer(start, use) {
  const server = await start();
  const sockets = [];
  const connect = (namespace = '/') => {
    const socket = io(new URL(namespace, server.url).href, { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 50 });
    sockets.push(socket);
    return socket;
  };
  try {
    await use(connect, server);
  } finally {
    for (const socket of sockets) socket.disconnect();
    assert.equal(await server.stop(), 0);
  }
}

const ask = (socket, ...event) => socket.timeout(5000).emitWithAck(...event);

/// The arguments of the next event of that name.
const next = (socket, event) => new Promise((resolve) => socket.once(event, (...args) => resolve(args)));

test('chat', { timeout: 30_000 }, () => withServer(() => example('chat', `${sources}chat`, '0'), async (connect, server) => {
  const page = await fetch(server.url);
  assert.match(await page.text(), /<title>Chat<\/title>/);

  const [ada, bob] = [connect(), connect()];
  assert.match((await ask(ada, 'say', 'hello?')).error.message, /join a room first/);
  assert.match((await ask(ada, 'join', { room: 'lobby', name: '' })).error.message, /a name has/);
  assert.match((await ask(ada, 'join', { room: 'a\u0007', name: 'Ada' })).error.message, /a room's name has/);
  assert.equal((await ask(ada, 'join', { room: 'lobby' })).error.code, 'socketio.bad_argument');
  assert.deepEqual(await ask(ada, 'join', { room: 'lobby', name: 'Ada' }), [{ id: ada.id, name: 'Ada' }]);

  const joined = next(ada, 'joined');
  const here = await ask(bob, 'join', { room: 'lobby', name: 'Bob' });
  assert.deepEqual(here.map(({ name }) => name).sort(), ['Ada', 'Bob']);
  assert.deepEqual(await joined, [{ id: bob.id, name: 'Bob' }]);

  const [typing, said] = [next(bob, 'typing'), next(bob, 'said')];
  ada.emit('typing', true);
  assert.deepEqual(await typing, [{ id: ada.id, name: 'Ada' }, true]);
  assert.equal(await ask(ada, 'say', 'hi <b>Bob</b>'), undefined);
  assert.deepEqual(await said, [{ from: { id: ada.id, name: 'Ada' }, text: 'hi <b>Bob</b>' }]);
  assert.match((await ask(ada, 'say', 'x'.repeat(2001))).error.message, /a message has/);

  // The room that is another's id is not that room.
  const eve = connect();
  assert.equal((await ask(eve, 'join', { room: bob.id, name: 'Eve' })).length, 1);
  const heard = next(bob, 'said');
  await ask(eve, 'say', 'psst');
  await ask(ada, 'say', 'still here?');
  assert.equal((await heard)[0].text, 'still here?');

  const person = { id: bob.id, name: 'Bob' };
  const left = next(ada, 'left');
  bob.disconnect();
  assert.deepEqual(await left, [person]);
}));

test('ticker', { timeout: 30_000 }, () => withServer(() => example('ticker', `${sources}ticker`, '0'), async (connect) => {
  const socket = connect('/ticker');
  const symbols = await ask(socket, 'symbols');
  assert.equal(symbols.length, 8);
  const [first] = await ask(socket, 'watch', ['WEFT']);
  assert.equal(first.symbol, 'WEFT');
  const seen = new Set();
  socket.on('quote', (quote) => {
    assert.equal(typeof quote.price, 'number');
    assert.equal(typeof quote.change, 'number');
    seen.add(quote.symbol);
  });
  for (let i = 0; i < 3; ++i) await next(socket, 'quote');
  assert.deepEqual([...seen], ['WEFT']);

  assert.match((await ask(socket, 'watch', ['GOLD'])).error.message, /no such symbol/);
  assert.match((await ask(socket, 'watch', Array(9).fill('WEFT'))).error.message, /more symbols/);
  assert.equal((await ask(socket, 'watch', 'WEFT')).error.code, 'socketio.bad_argument');
  seen.clear();
  await ask(socket, 'watch', ['WOOL', 'SILK']);
  while (seen.size < 2) await next(socket, 'quote');
  assert.deepEqual([...seen].sort(), ['SILK', 'WOOL']);
}));

const hasText = existsSync(program('collaborative_text'));

/// Connects and reads the log that is replayed.
async function reader(connect) {
  const socket = connect('/text');
  const log = [];
  socket.on('update', (number, bytes) => log.push([number, bytes.toString()]));
  const [last] = await next(socket, 'synced');
  return { socket, log, last };
}

test('the log of the collaborative text', { timeout: 60_000, skip: !hasText }, () =>
  withServer(() => example('collaborative_text', '0'), async (connect) => {
    const ada = await reader(connect);
    const bob = await reader(connect);
    assert.deepEqual([ada.log, ada.last], [[], 0]);
    const told = next(bob.socket, 'update');
    assert.deepEqual(await ask(ada.socket, 'update', Buffer.from('one')), { number: 1, compact: false });
    assert.equal((await told)[0], 1);
    assert.deepEqual(ada.log, []);  // not back to who wrote it
    for (const text of ['two', 'three', 'four']) await ask(bob.socket, 'update', Buffer.from(text));

    // Shorter, and numbers go on: only what covers entries of the log and is no larger is taken.
    assert.equal(await ask(ada.socket, 'compact', 9, Buffer.from('x')), false);
    assert.equal(await ask(ada.socket, 'compact', 0, Buffer.from('x')), false);
    assert.equal(await ask(ada.socket, 'compact', 3, Buffer.from('x'.repeat(12))), false);
    assert.equal(await ask(ada.socket, 'compact', 3, Buffer.from('1-3')), true);
    assert.equal(await ask(bob.socket, 'compact', 3, Buffer.from('1-3')), false);
    const eve = await reader(connect);
    assert.deepEqual([eve.log, eve.last], [[[3, '1-3'], [4, 'four']], 4]);

    // Bounded.
    assert.match((await ask(ada.socket, 'update', Buffer.alloc(256 * 1024 + 1))).error.message, /at most 256 KiB/);
    assert.equal((await ask(ada.socket, 'update', 'text')).error.code, 'socketio.bad_argument');
    for (let i = 0; i < 7; ++i) assert.equal((await ask(ada.socket, 'update', Buffer.alloc(256 * 1024))).number, 5 + i);
    assert.match((await ask(ada.socket, 'update', Buffer.alloc(256 * 1024))).error.message, /full/);
    assert.equal(await ask(ada.socket, 'compact', 11, Buffer.from('all')), true);
    assert.deepEqual(await ask(ada.socket, 'update', Buffer.from('more')), { number: 12, compact: false });
  }));

/// The script of the page, with Yjs in it.
function script() {
  const bundle = readFileSync(join(process.env.EXAMPLES_DIR, 'bundle/shared_text.js'));
  return import(`data:text/javascript;base64,${bundle.toString('base64')}`);
}

/// Two writers, apart and together, on the servers that `connect` reaches.
async function converge(connect) {
  const { SharedText } = await script();
  const writer = async () => {
    const socket = connect('/text');
    const shared = new SharedText(socket);
    shared.socket = socket;
    return shared;
  };
  const until = async (shared, event, holds) => { while (!holds()) await once(shared, event); };
  const reads = (shared, text) => until(shared, 'text', () => shared.value === text);
  const saved = (shared) => until(shared, 'state', () => shared.saved);

  const [ada, bob] = [await writer(), await writer()];
  await Promise.all([saved(ada), saved(bob)]);
  ada.replace(0, 0, 'warp');
  await reads(bob, 'warp');

  // Both write while one is away.
  bob.socket.disconnect();
  bob.replace(4, 0, ' and weft');
  ada.replace(0, 0, 'The ');
  await saved(ada);
  bob.socket.connect();
  await Promise.all([reads(ada, 'The warp and weft'), reads(bob, 'The warp and weft')]);

  // More keys than the log keeps comfortably: somebody compacts it.
  const letters = 'abcdefghij'.repeat(12);
  for (const letter of letters) ada.replace(0, 0, letter);
  ada.replace(0, letters.length - 2, '');
  await saved(ada);
  await reads(bob, 'baThe warp and weft');
  for (let entries = Infinity; entries > 100;) entries = (await reader(connect)).log.length;
  const eve = await writer();
  await reads(eve, 'baThe warp and weft');
  for (let i = 0; i < 200; ++i) ada.undo();  // what Ada wrote; Bob's part stays
  await Promise.all([reads(eve, ' and weft'), reads(bob, ' and weft')]);
}

test('writers converge, whoever was away and however short the log is', { timeout: 60_000, skip: !hasText }, () =>
  withServer(() => example('collaborative_text', '0'), converge));

test('so they do when the server has four loops', { timeout: 60_000, skip: !hasText }, () =>
  withServer(() => Server.start('demo', '--threads', '4'), converge));

test('what is typed becomes the edit that was meant', { skip: !hasText }, async () => {
  const { difference, moved } = await script();
  // Where the caret is decides which of equal letters is new; pairs of surrogates stay whole.
  assert.deepEqual(difference('aaa', 'aaaa', 2), { at: 1, deleted: 0, inserted: 'a' });
  assert.deepEqual(difference('abc', 'ac', 1), { at: 1, deleted: 1, inserted: '' });
  assert.deepEqual(difference('😀', '😁', 2), { at: 0, deleted: 2, inserted: '😁' });
  assert.deepEqual(difference('a😀', 'a🈀', 1), { at: 1, deleted: 2, inserted: '🈀' });  // the same second half
  assert.equal(moved(5, [{ retain: 2 }, { insert: 'xyz' }]), 8);
  assert.equal(moved(2, [{ retain: 2 }, { insert: 'xyz' }]), 2);
  assert.equal(moved(5, [{ retain: 1 }, { delete: 2 }]), 3);
  assert.equal(moved(2, [{ retain: 1 }, { delete: 9 }]), 1);
});

// A server that another program's loop drives: what it does within a turn, what waits for a later one (so many messages do not fit
// into a socket), and the drain.
for (const host of ['epoll', 'asio']) {
  const where = existsSync(program(`embed_${host}`)) ? {} : { skip: 'Boost is not installed' };
  test(`embedded in ${host}`, { timeout: 30_000, ...where }, async () => {
    const server = await example(`embed_${host}`, '0');
    try {
      const sockets = await Promise.all([1, 2, 3].map(async () => {
        const socket = new WebSocket(`${server.url.replace('http', 'ws')}echo`);
        socket.heard = [];
        socket.on('message', (data) => socket.heard.push(data.toString()));
        socket.ended = once(socket, 'close').then(([code]) => code);
        await once(socket, 'open');
        return socket;
      }));
      const texts = ['a', 'b', ...Array(16).fill('x'.repeat(512 << 10))];
      for (const socket of sockets) for (const text of texts) socket.send(text);
      for (const socket of sockets) {
        while (socket.heard.length < texts.length) {
          await Promise.race([once(socket, 'message'), socket.ended.then((code) => assert.fail(`it was closed with ${code}`))]);
        }
        assert.deepEqual(socket.heard, texts);
      }
      server.child.kill('SIGTERM');
      for (const socket of sockets) assert.equal(await socket.ended, 1001);
    } finally {
      assert.equal(await server.stop(), 0);
    }
  });
}
