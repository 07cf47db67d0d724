// What the tests in JavaScript share: starting and ending the program, proxies, certificates, clients
// of the `ws` package that can be awaited, and raw sockets. Needs WEFT_BIN; certificates need openssl.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

process.env.WEFT_SERVER__ALLOW_ROOT ??= 'true';  // tests may be run by root

/// A certificate for localhost and 127.0.0.1 in a folder of its own.
export class Certificate {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'weft-e2e-'));
    this.cert = join(this.folder, 'cert.pem');
    this.key = join(this.folder, 'key.pem');
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
      '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
      '-keyout', this.key, '-out', this.cert], { stdio: 'pipe' });
    this.pem = readFileSync(this.cert);
  }
  get flags() { return ['--tls-cert', this.cert, '--tls-key', this.key]; }
  remove() { rmSync(this.folder, { recursive: true }); }
}

// A test that runs out of time leaves its programs behind, and the runner would wait for them.
const children = new Set();
after(() => { for (const child of children) child.kill('SIGKILL'); });

/// A program that serves, ready for connections.
export class Server {
  /// `weft COMMAND ...` on a free port.
  static start(...args) {
    assert.ok(process.env.WEFT_BIN, 'set WEFT_BIN to the weft program');
    return Server.startProgram(process.env.WEFT_BIN, [...args, '--port', '0']);
  }

  /// Any program that picks a free port and says `listening on URL`.
  static async startProgram(program, args) {
    const server = new Server();
    server.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    server.errors = '';
    server.child.stderr.on('data', (text) => { server.errors += text; process.stderr.write(text); });
    children.add(server.child);
    server.exited = once(server.child, 'exit').then(([code]) => {
      children.delete(server.child);
      return code;
    });
    const early = server.exited.then((code) => { throw new Error(`${program} ended with ${code} before it listened`); });
    early.catch(() => {});
    const [line] = await Promise.race([once(createInterface({ input: server.child.stdout }), 'line'), early]);
    server.url = /^listening on (\S+)$/.exec(line)?.[1];
    assert.ok(server.url, `unexpected first line: ${line}`);
    server.port = Number(new URL(server.url).port);
    return server;
  }

  /// SIGTERM, unless it had one, and the exit code. A second one may come when the server watches signals no more, and kill it.
  async stop() {
    if (!this.child.killed) this.child.kill('SIGTERM');
    return this.exited;
  }
}

/// A port that nobody has: this one, or it fails; 0 for any.
export async function freePort(wanted = 0) {
  const probe = net.createServer().listen(wanted, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

async function listens(port, child) {
  for (const end = Date.now() + 15_000; Date.now() < end; await sleep(20)) {
    assert.equal(child.exitCode, null, 'the proxy ended');
    const socket = net.connect(port, '127.0.0.1');
    const open = await new Promise((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)));
    socket.destroy();
    if (open) return;
  }
  throw new Error(`nothing listens on ${port}`);
}

/// A proxy in the foreground, ready for connections at `port`.
export async function startProxy(port, program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
  children.add(child);
  child.log = '';
  child.stderr.on('data', (text) => { child.log += text; });
  child.done = once(child, 'exit').then(() => children.delete(child));
  try {
    await listens(port, child);
  } catch (error) {
    throw new Error(`${program}: ${error.message}\n${child.log}`);
  }
  return {
    port,
    stop: async () => { child.kill('SIGTERM'); await child.done; },
    log: () => child.log,
  };
}

/// A way to a server on loopback that can be cut.
export class Proxy {
  static async to(url) {
    const proxy = new Proxy();
    proxy.pairs = new Map();
    proxy.changed = new EventEmitter();
    proxy.open = true;
    proxy.listener = net.createServer((near) => proxy.take(near, Number(new URL(url).port)));
    proxy.listener.listen(0, '127.0.0.1');
    await once(proxy.listener, 'listening');
    proxy.url = `http://127.0.0.1:${proxy.listener.address().port}`;
    return proxy;
  }

  take(near, port) {
    if (!this.open) { near.destroy(); return; }
    const far = net.connect(port, '127.0.0.1');
    const pair = { far, polls: false };
    this.pairs.set(near, pair);
    near.on('data', (data) => far.write(data, () => {
      pair.polls = data.toString('latin1', 0, 3) === 'GET';
      this.changed.emit('sent');
    }));
    far.on('data', () => { pair.polls = false; });
    near.on('end', () => far.end());
    far.pipe(near);
    for (const end of [near, far]) {
      end.on('error', () => {});
      end.on('close', () => { near.destroy(); far.destroy(); this.pairs.delete(near); });
    }
  }

  /// A GET waits for its answer.
  async polled() {
    while (![...this.pairs.values()].some((pair) => pair.polls)) await once(this.changed, 'sent');
  }

  /// Ends all connections, and refuses new ones until `restore`.
  cut() {
    this.open = false;
    for (const [near, { far }] of this.pairs) { near.destroy(); far.destroy(); }
  }

  restore() { this.open = true; }
  stop() { this.cut(); this.listener.close(); }
}

/// A client of the `ws` package: what comes waits in a queue until it is asked for.
export class Client {
  /// Resolves when the handshake is done; rejects with `ws`' error when it fails.
  static async open(url, { protocols = [], ...options } = {}) {
    const client = new Client();
    const socket = new WebSocket(url, protocols, { perMessageDeflate: false, maxPayload: 0, ...options });
    client.socket = socket;
    client.arrived = [];
    client.waiting = [];
    client.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    client.closed.then((how) => {
      for (const { reject } of client.waiting.splice(0)) reject(new Error(`closed: ${JSON.stringify(how)}`));
    });
    socket.on('message', (data, binary) => {
      const message = { data, binary };
      const next = client.waiting.shift();
      if (next) next.resolve(message); else client.arrived.push(message);
    });
    socket.once('upgrade', ({ headers }) => { client.extensions = headers['sec-websocket-extensions'] ?? ''; });
    await once(socket, 'open');
    socket.on('error', (error) => { client.error = error; });
    return client;
  }

  send(data, options) { this.socket.send(data, options); }

  next() {
    if (this.arrived.length > 0) return Promise.resolve(this.arrived.shift());
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /// Sends and checks that the same comes back, text as text and binary as binary.
  async echo(data) {
    this.send(data);
    const { data: back, binary } = await this.next();
    assert.equal(binary, typeof data !== 'string');
    assert.ok(Buffer.from(data).equals(back), `${data.length} came back as ${back.length} bytes or changed`);
  }

  async close(code = 1000, reason = '') {
    this.socket.close(code, reason);
    return this.closed;
  }
}

/// Bytes that are not all alike, so that a misplaced one shows.
export function bytes(size, seed = 1) {
  const out = Buffer.alloc(size);
  for (let i = 0, x = seed; i < size; ++i) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    out[i] = x >>> 16;
  }
  return out;
}

/// One masked frame. `fin`, `rsv1`, `masked` and `length` (what the header claims) bend the rules.
export function frame(opcode, payload = '', { fin = true, rsv1 = false, masked = true, length } = {}) {
  const body = Buffer.from(payload);
  const claimed = length ?? body.length;
  const head = [(fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode];
  const mark = masked ? 0x80 : 0;
  if (claimed < 126) head.push(mark | claimed);
  else if (claimed < 65536) head.push(mark | 126, claimed >> 8, claimed & 255);
  else {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(BigInt(claimed));
    head.push(mark | 127, ...wide);
  }
  if (!masked) return Buffer.concat([Buffer.from(head), body]);
  const key = [0x12, 0x34, 0x56, 0x78];
  return Buffer.concat([Buffer.from([...head, ...key]), body.map((byte, i) => byte ^ key[i % 4])]);
}

/// A TCP connection after a WebSocket handshake that we wrote ourselves.
export async function rawWebSocket(port) {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
    + 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
  const [answer] = await once(socket, 'data');
  assert.match(answer.toString(), /^HTTP\/1\.1 101 /);
  return socket;
}

/// The code and reason of the close frame that answers `sent`, and that the connection ends.
export async function closedBy(port, ...sent) {
  const socket = await rawWebSocket(port);
  const received = [];
  socket.on('data', (data) => received.push(data));
  socket.on('error', () => {});  // a reset is an end as well
  for (const data of sent) socket.write(data);
  await once(socket, 'close');
  const answer = Buffer.concat(received);
  assert.equal(answer[0], 0x88, `not a close frame: ${answer.toString('hex')}`);
  assert.equal(answer[1], answer.length - 2);
  return { code: answer.readUInt16BE(2), reason: answer.subarray(4).toString() };
}
