// A server of a cluster on Node's Socket.IO and npm's adapters for Redis; tests/support/cluster_app.cpp is the same on weft.
// Prints "listening on URL" when ready; SIGTERM ends it.
//
// Arguments: --redis PORT --adapter classic|sharded|streams --prefix P --name N --ack-timeout MS --specific-responses --recovery

import { once } from 'node:events';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';

const text = { type: 'string' };
const { values: flags } = parseArgs({
  options: { redis: text, adapter: text, prefix: text, name: text, 'ack-timeout': text, 'specific-responses': { type: 'boolean' }, recovery: { type: 'boolean' } },
});

const url = `redis://127.0.0.1:${flags.redis}`;
const [pub, sub] = [createClient({ url }), createClient({ url })];
for (const client of [pub, sub]) client.on('error', () => {});  // it comes back by itself
await Promise.all([pub.connect(), sub.connect()]);

const http = createServer((req, res) => { res.statusCode = 404; res.end(); });
const adapters = {
  classic: () => createAdapter(pub, sub, {
    key: flags.prefix,
    requestsTimeout: Number(flags['ack-timeout']),
    publishOnSpecificResponseChannel: flags['specific-responses'] ?? false,
  }),
  sharded: () => createShardedAdapter(pub, sub, { channelPrefix: flags.prefix }),
  streams: () => createStreamsAdapter(pub, { streamName: flags.prefix, channelPrefix: flags.prefix }),
};
const io = new Server(http, {
  adapter: adapters[flags.adapter](),
  ...(flags.recovery && { connectionStateRecovery: {} }),
});

/// Who is meant by a verb, and how.
function chain(begin, { rooms, except, droppable, uncompressed, local, timeout }) {
  let made = begin;
  if (rooms.length > 0) made = made.to(rooms);
  if (except.length > 0) made = made.except(except);
  if (droppable) made = made.volatile;
  if (uncompressed) made = made.compress(false);
  if (local) made = made.local;
  if (timeout !== undefined) made = made.timeout(timeout);
  return made;
}

function describe({ id, rooms, data, handshake }) {
  const { auth, url: asked, address, secure, headers, query, time, issued, xdomain } = handshake;
  const when = Date.parse(time);  // in whole seconds
  const sound = Math.abs(Date.now() - issued) < 300_000 && when <= issued && issued - when < 1000 && xdomain === false
    && /^\w{3} \w{3} \d\d \d{4} \d\d:\d\d:\d\d GMT[+-]\d{4} \(.+\)$/.test(time);
  return { id, rooms: [...rooms], data, auth, url: asked, address, secure, sound, headers, query };
}

function verbs(nsp) {
  const heard = [];
  nsp.on('connection', (socket) => {
    const on = (event, verb) => socket.on(event, async (...args) => {
      const ack = args.pop();
      ack(await verb(...args) ?? true);
    });
    on('join', (rooms) => socket.join(rooms));
    on('leave', (room) => { const had = socket.rooms.has(room); socket.leave(room); return had; });
    on('rooms', () => [...socket.rooms]);
    on('set_data', (data) => { socket.data = data; });
    on('sockets_join', (to, rooms) => { chain(nsp, to).socketsJoin(rooms); });
    on('sockets_leave', (to, rooms) => { chain(nsp, to).socketsLeave(rooms); });
    on('disconnect_sockets', (to, close) => { chain(nsp, to).disconnectSockets(close); });
    on('emit', (to, event, ...what) => { chain(to.others ? socket.broadcast : nsp, to).emit(event, ...what); });
    on('count', (to, event, times) => {
      for (let i = 0; i < times; ++i) for (const one of to) chain(nsp, one).emit(event, i);
    });
    on('ask', (to, event, ...what) => new Promise((done) => {
      chain(nsp, to).emit(event, ...what, (error, answers) => done({ answers, complete: !error }));
    }));
    on('fetch', async (to) => (await chain(nsp, to).fetchSockets()).map(describe));
    on('server_side_emit', (event, ...what) => { nsp.serverSideEmit(event, ...what); });
    on('server_side_ask', (event, ...what) => new Promise((done) => {
      nsp.serverSideEmit(event, ...what, (error, answers) => done({ answers, complete: !error }));
    }));
    on('heard', () => heard.splice(0));
  });
  nsp.on('note', (...args) => heard.push(args));
  nsp.on('question', (...args) => {
    const ack = args.pop();
    const answer = [flags.name, ...args];
    heard.push(answer);
    ack(answer);
  });
  nsp.on('silence_of_b', (ack) => { if (flags.name !== 'b') ack(flags.name); });
}

verbs(io.of('/'));
verbs(io.of('/chat'));
io.of('/control').on('connection', (socket) => socket.on('settle', (token) => {
  for (const nsp of ['/', '/chat', '/control']) io.of(nsp).emit('settled', token);
}));
process.once('SIGTERM', () => io.close(async () => {
  await Promise.all([pub.quit(), sub.quit()]);
  process.exit(0);
}));
http.listen(0, '127.0.0.1');
await once(http, 'listening');
console.log(`listening on http://127.0.0.1:${http.address().port}`);
