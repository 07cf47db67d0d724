// What goes wrong with Redis, for two servers of a cluster: clients of one server go on hearing each other, whatever Redis does;
// the loss is told; and when Redis is back the servers hear each other again within two seconds. The times are printed, next to
// those of a quiet cluster. Needs CLUSTER_APP_BIN and redis-server.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, before, test } from 'node:test';
import { encode } from 'notepack.io';
import { Manager } from 'socket.io-client';
import { Server } from './support.mjs';

const patience = 30_000;
const max_queue = 128 * 1024;
const toRoom = { rooms: ['room'], except: [] };

/// A Redis that can be killed and started again on its port.
class Redis {
  async start(...flags) {
    this.folder ??= mkdtempSync(join(tmpdir(), 'weft-redis-'));
    if (!this.port) {
      const free = net.createServer().listen(0, '127.0.0.1');
      await once(free, 'listening');
      this.port = free.address().port;
      await new Promise((done) => { free.close(done); });
    }
    this.child = spawn('redis-server', ['--port', this.port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.folder, ...flags],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: this.child.stdout })) if (line.includes('Ready to accept connections')) break;
    this.child.stdout.resume();
    return this;
  }

  async kill() {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  remove() {
    this.child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /// The first line of each reply to commands of texts and buffers; `password`, if one is needed.
  async ask(commands, password) {
    const link = net.connect(this.port, '127.0.0.1');
    const all = password ? [['AUTH', password], ...commands] : commands;
    for (const words of all) {
      link.write(`*${words.length}\r\n`);
      for (const word of words) {
        link.write(`$${Buffer.byteLength(word)}\r\n`);
        link.write(word);
        link.write('\r\n');
      }
    }
    const replies = [];
    for await (const line of createInterface({ input: link })) {
      replies.push(line);
      if (replies.length === all.length) break;
    }
    link.destroy();
    return password ? replies.slice(1) : replies;
  }

  /// How many connections listen to a channel.
  async listeners(channel) {
    const link = net.connect(this.port, '127.0.0.1');
    link.write(`PUBSUB NUMSUB ${channel}\r\n`);
    const lines = [];
    for await (const line of createInterface({ input: link })) if (lines.push(line) === 4) break;
    link.destroy();
    return Number(lines[3].slice(1));
  }
}

/// A server of the cluster with two clients in one room.
class Node {
  static async start(redis) {
    const node = new Node();
    node.server = await Server.startProgram(process.env.CLUSTER_APP_BIN,
      ['--redis', String(redis.port), '--by', 'server', '--max-queue', String(max_queue)]);
    node.people = await Promise.all([0, 1].map(async () => {
      const socket = new Manager(node.server.url, { transports: ['websocket'], reconnection: false, forceNew: true }).socket('/');
      socket.heard = [];
      socket.on('question', (answer) => answer('here'));
      socket.on('said', (what) => { socket.heard.push(what); socket.tell?.(); });
      await once(socket, 'connect');
      await socket.emitWithAck('join', ['room']);
      return socket;
    }));
    return node;
  }

  async ready() { return (await fetch(`${this.server.url}/ready`)).status === 200; }
  async untilReady(wanted = true) {
    const end = Date.now() + patience;
    while (await this.ready() !== wanted) assert.ok(Date.now() < end, `ready is not ${wanted}`);
  }

  /// So often, since it was started.
  async untilLogged(words, times) {
    while (log(this, words) < times) await once(this.server.child.stderr, 'data', { signal: AbortSignal.timeout(patience) });
  }

  async counter(name) {
    const text = await (await fetch(`${this.server.url}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return Number(line.slice(name.length + 1));
  }

  get pid() { return this.server.child.pid; }
  get rss() { return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))[1]) * 1024; }
  say(what) { return this.people[0].emitWithAck('emit', toRoom, 'said', what); }
  stop() {
    for (const socket of this.people) socket.io._close();
    return this.server.stop();
  }
}

/// Until a client has heard as many as that; they are taken.
async function hear(socket, count) {
  while (socket.heard.length < count) {
    await new Promise((done, failed) => {
      const timer = setTimeout(() => failed(new Error(`heard ${socket.heard.length} of ${count}`)), patience);
      socket.tell = () => { clearTimeout(timer); done(); };
    });
  }
  return socket.heard.splice(0, count);
}

let number = 0;

/// Times of deliveries between two clients of one server, one after the other: so many, and until `end` is settled.
async function deliveries(node, end = Promise.resolve(), least = 2000) {
  let ended = false;
  end.then(() => { ended = true; }, () => { ended = true; });
  const [speaker, hearer] = node.people;
  const times = [];
  for (let i = 0; i < least || !ended; ++i) {
    const what = ++number;
    const begun = performance.now();
    speaker.emit('emit', toRoom, 'said', what);
    assert.deepEqual(await hear(hearer, 1), [what]);
    times.push(performance.now() - begun);
    await hear(speaker, 1);
  }
  await end;
  times.sort((x, y) => x - y);
  return { count: times.length, p50: times[times.length >> 1], p99: times[Math.floor(times.length * 0.99)] };
}

let redis, a, b, quiet;
const all = () => [a, b];

/// What both servers say is heard at the other one, once Redis knows that it listens.
async function together() {
  const end = Date.now() + patience;
  while (await redis.listeners('socket.io#/#room#') !== 2) assert.ok(Date.now() < end, 'not subscribed');
  // What waited for Redis may leave no room for more.
  for (const node of all()) while (await node.counter('weft_redis_queued_bytes') > 0) assert.ok(Date.now() < end, 'still queued');
  for (const node of all()) for (const socket of node.people) socket.heard.length = 0;
  for (const [from, to] of [[a, b], [b, a]]) {
    await from.say(++number);
    // What was on its way before may come first.
    for (const socket of [...from.people, ...to.people]) while ((await hear(socket, 1))[0] !== number);
  }
}

/// Until both servers are ready, from now: milliseconds. At most two seconds are promised.
async function back() {
  const begun = performance.now();
  await Promise.all(all().map((node) => node.untilReady()));
  const took = performance.now() - begun;
  assert.ok(took < 2000, `ready ${took} ms after Redis`);
  return took;
}

function report(what, { count, p50, p99 }, more = '') {
  console.log(`${what}: ${count} local deliveries, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`
    + `${quiet ? ` (quiet ${quiet.p99.toFixed(2)})` : ''}${more}`);
}

const gaps = () => Promise.all(all().map((node) => node.counter('weft_cluster_gaps_total')));
const log = (node, words) => node.server.errors.split(words).length - 1;

before(async () => {
  redis = await new Redis().start();
  [a, b] = await Promise.all([Node.start(redis), Node.start(redis)]);
  await back();
  await together();
  await deliveries(a);  // warm
  quiet = await deliveries(a);
  report('quiet', quiet);
});
afterEach(() => redis?.child.kill('SIGCONT'));  // a test that failed may have left it
after(() => redis?.remove());

test('Redis is killed, and comes back empty', { timeout: 60_000 }, async () => {
  const before_ = await gaps();
  await redis.kill();
  await Promise.all(all().map((node) => node.untilReady(false)));
  const times = await deliveries(a);
  await redis.start();
  const took = await back();
  await together();
  assert.deepEqual(await gaps(), before_.map((count) => count + 1));
  for (const node of all()) {
    assert.equal(log(node, 'the connection to Redis is lost'), 1);
    assert.equal(await node.counter('weft_cluster_connected'), 1);
  }
  report('killed', times, `; back after ${took.toFixed(0)} ms`);
});

test('Redis stands still until it is given up', { timeout: 60_000 }, async () => {
  const before_ = await gaps();
  redis.child.kill('SIGSTOP');
  const times = await deliveries(a, Promise.all(all().map((node) => node.untilLogged('the connection to Redis is lost', 2))));
  redis.child.kill('SIGCONT');
  const took = await back();
  await together();
  assert.deepEqual(await gaps(), before_.map((count) => count + 1));
  report('stopped', times, `; back after ${took.toFixed(0)} ms`);
});

test('Redis stands still for a moment, again and again', { timeout: 60_000 }, async () => {
  const before_ = await gaps();
  const first = number + 1;
  const said = [];
  for (let i = 0; i < 5; ++i) {
    redis.child.kill('SIGSTOP');
    for (let j = 0; j < 20; ++j) said.push(a.say(++number));
    await hear(a.people[1], 20);
    redis.child.kill('SIGCONT');
  }
  await Promise.all(said);
  assert.deepEqual(await hear(b.people[0], 100), Array.from({ length: 100 }, (_, i) => first + i), 'all, in order');
  assert.deepEqual(await gaps(), before_);
});

test('what Redis does not take fills a queue, and no more', { timeout: 60_000 }, async () => {
  const before_ = await a.counter('weft_cluster_dropped_total');
  const large = 'x'.repeat(4000);
  redis.child.kill('SIGSTOP');
  for (let i = 0; i < 500; ++i) a.people[0].emit('emit', toRoom, 'said', large);  // 2 MB, at once
  assert.equal((await hear(a.people[1], 500)).length, 500, 'all of them here');
  const dropped = await a.counter('weft_cluster_dropped_total') - before_;
  assert.ok(dropped > 0 && dropped < 500, `${dropped} dropped`);
  assert.ok(await a.counter('weft_redis_queued_bytes') <= 2 * max_queue, 'of two connections');
  assert.ok(log(a, 'a message to other nodes is dropped') >= 1, 'the first of a minute');
  redis.child.kill('SIGCONT');
  await back();
  await together();
});

test('rubbish is counted, and nothing else', { timeout: 60_000 }, async () => {
  const bodies = ['rubbish', '', '{', '[]', '\0', Buffer.from('dfffffffff', 'hex'), Buffer.from('ddffffffff', 'hex'),
    encode(['uid', { type: 2, data: 'no array' }, {}]), encode([1, 2, 3]), encode('x'.repeat(100_000)), Buffer.alloc(1_000_000, 0x91)];
  const channels = ['socket.io#/#', 'socket.io#/#room#', 'socket.io-request#/#', 'socket.io-response#/#'];
  const before_ = await b.counter('weft_cluster_ignored_total');
  const replies = await redis.ask(channels.flatMap((channel) => bodies.map((body) => ['PUBLISH', channel, body])));
  assert.ok(replies.every((reply) => reply === ':2'), 'both heard it');
  await together();
  const ignored = await b.counter('weft_cluster_ignored_total') - before_;
  assert.equal(ignored, channels.length * bodies.length);
  report('rubbish', await deliveries(a));
});

test('Redis is out of memory, or a replica', { timeout: 60_000 }, async () => {
  assert.deepEqual(await redis.ask([['CONFIG', 'SET', 'maxmemory', '1'], ['SET', 'key', 'value']]),
    ['+OK', "-OOM command not allowed when used memory > 'maxmemory'."]);
  await together();  // publishing needs none
  report('out of memory', await deliveries(a));
  await redis.ask([['CONFIG', 'SET', 'maxmemory', '0'], ['REPLICAOF', '127.0.0.1', '1'], ['CONFIG', 'SET', 'replica-serve-stale-data', 'yes']]);
  assert.match((await redis.ask([['SET', 'key', 'value']]))[0], /^-READONLY/);
  await together();
  report('a replica', await deliveries(a));
  assert.deepEqual(await redis.ask([['REPLICAOF', 'NO', 'ONE']]), ['+OK']);
});

test('Redis cuts off who does not read', { timeout: 60_000 }, async () => {
  const [, gapsOfB] = await gaps();
  assert.deepEqual(await redis.ask([['CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 1mb 256kb 1']]), ['+OK']);
  process.kill(b.pid, 'SIGSTOP');
  // The kernel takes some megabytes before anything waits in Redis. It is for no client: those here are slower than that.
  const publish = Array.from({ length: 20 }, () => ['PUBLISH', 'socket.io#/#room#', 'x'.repeat(100_000)]);
  const end = Date.now() + patience;
  while (await redis.listeners('socket.io#/#room#') === 2) {
    await redis.ask(publish);
    assert.ok(Date.now() < end, 'Redis goes on waiting for it');
  }
  process.kill(b.pid, 'SIGCONT');
  while (await b.counter('weft_cluster_gaps_total') === gapsOfB) assert.ok(Date.now() < end, 'no gap');
  await back();
  await together();
});

test('the password changes', { timeout: 60_000 }, async () => {
  const password = 'secret';
  await redis.ask([['CONFIG', 'SET', 'requirepass', password]]);
  await redis.ask([['CLIENT', 'KILL', 'TYPE', 'normal'], ['CLIENT', 'KILL', 'TYPE', 'pubsub']], password);
  await Promise.all(all().map((node) => node.untilReady(false)));
  report('no password', await deliveries(a));
  await redis.ask([['CONFIG', 'SET', 'requirepass', '']], password);
  await back();
  await together();
});

test('nothing of it stays in memory', { timeout: 60_000 }, async () => {
  const before_ = a.rss;
  for (let i = 0; i < 5; ++i) {
    await redis.kill();
    await a.untilReady(false);
    for (let j = 0; j < 200; ++j) a.people[0].emit('emit', toRoom, 'said', 'x'.repeat(4000));
    await hear(a.people[1], 200);
    await redis.start();
    await back();
  }
  await together();
  console.log(`five outages more: ${((a.rss - before_) / 1024 / 1024).toFixed(1)} MiB more`);
  assert.ok(a.rss - before_ < 16 * 1024 * 1024);
});

test('both end in order', { timeout: 60_000 }, async () => {
  assert.deepEqual(await Promise.all(all().map((node) => node.stop())), [0, 0]);
});

test('the rights that docs/operations/cluster.md names are enough', { timeout: 60_000 }, async () => {
  const patterns = ['/', '/chat', '/control'].map((nsp) => `&socket.io#${nsp}#${'?'.repeat(20)}#`);
  const limited = await new Redis().start('--user', 'default', 'on', 'nopass', 'resetchannels', '&socket.io*', ...patterns,
    '-@all', '+hello', '+auth', '+client|setname', '+ping', '+role', '+pubsub', '+publish', '+subscribe', '+psubscribe', '+unsubscribe', '+punsubscribe');
  redis.remove();
  redis = limited;
  [a, b] = await Promise.all([Node.start(redis), Node.start(redis)]);
  await back();
  await together();
  const { answers, complete } = await a.people[0].emitWithAck('ask', toRoom, 'question');
  assert.deepEqual([answers.length, complete], [4, true]);
  for (const node of all()) {
    assert.equal(await node.counter('weft_redis_commands_failed_total{reason="refused_by_server"}'), 0);
    assert.equal(await node.counter('weft_redis_subscriptions_refused_total'), 0);
  }
  assert.deepEqual(await Promise.all(all().map((node) => node.stop())), [0, 0]);
});
