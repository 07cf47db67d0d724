// Our C++ client with the face of npm's socket.io-client, as far as the scenarios use it: each connection is one
// socketio_client_remote (its path is in SOCKETIO_CLIENT_REMOTE_BIN), told by lines of JSON what to do.

import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';

const pack = (what) => {
  if (Buffer.isBuffer(what)) return { $bytes: what.toString('base64') };
  if (Array.isArray(what)) return what.map(pack);
  if (what === null || typeof what !== 'object' || what instanceof Date) return what;
  return Object.fromEntries(Object.entries(what).map(([name, value]) => [name, pack(value)]));
};
const unpack = (what) => {
  if (Array.isArray(what)) return what.map(unpack);
  if (what === null || typeof what !== 'object') return what;
  if (typeof what.$bytes === 'string') return Buffer.from(what.$bytes, 'base64');
  return Object.fromEntries(Object.entries(what).map(([name, value]) => [name, unpack(value)]));
};

/// As Manager: one connection, several namespaces.
class WeftManager extends EventEmitter {
  constructor(url, { transports, parser, reconnection = true }) {
    super();
    const args = [url, '--transports', (transports ?? ['polling', 'websocket']).join(',')];
    if (parser) args.push('--msgpack');
    if (reconnection) args.push('--reconnection');
    this.child = spawn(process.env.SOCKETIO_CLIENT_REMOTE_BIN, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.child.stdin.on('error', () => {});
    this.child.on('exit', () => running.delete(this.child));
    running.add(this.child);
    createInterface({ input: this.child.stdout }).on('line', (line) => this.take(JSON.parse(line)));
    this.sockets = new Map();
    this.questions = new Map();
    this.engine = { transport: { name: '' } };
  }

  tell(what) { this.child.stdin.write(`${JSON.stringify(what)}\n`); }

  socket(nsp, { auth } = {}) {
    const socket = new WeftSocket(this, nsp);
    this.sockets.set(nsp, socket);
    if (auth) socket.auth = auth;
    return socket.connect();
  }

  ask(what, answered) {
    this.tell({ ...what, question: this.questions.size });
    this.questions.set(this.questions.size, answered);
  }

  take({ saw, nsp, ...more }) {
    if (more.transport) this.engine.transport.name = more.transport;
    if (saw === 'answer') return this.questions.get(more.question)(more.error ? new Error(more.error) : null, unpack(more.args));
    if (nsp === undefined) return this.emit(saw, more.attempt);
    return this.sockets.get(nsp).take(saw, more);
  }
}

class WeftSocket extends EventEmitter {
  constructor(manager, nsp) {
    super();
    Object.assign(this, { io: manager, nsp, connected: false, recovered: false, flags: {} });
  }

  set auth(what) { this.io.tell({ do: 'auth', nsp: this.nsp, auth: what }); }
  get volatile() { this.flags.volatile = true; return this; }
  timeout(timeout) { this.flags.timeout = timeout; return this; }

  off(event) { return this.removeAllListeners(event); }
  connect() { this.io.tell({ do: 'connect', nsp: this.nsp }); return this; }
  disconnect() { this.io.tell({ do: 'disconnect', nsp: this.nsp }); return this; }

  emit(event, ...args) {
    const answered = typeof args.at(-1) === 'function' ? args.pop() : undefined;
    const what = { do: 'emit', nsp: this.nsp, event, args: args.map(pack), ...this.flags };
    this.flags = {};
    if (answered) this.io.ask(what, answered); else this.io.tell(what);
    return this;
  }

  emitWithAck(event, ...args) {
    return new Promise((resolve, reject) => {
      this.emit(event, ...args, (error, answer) => (error ? reject(error) : resolve(answer[0])));
    });
  }

  take(saw, { id, recovered, reason, message, data, event, args, question }) {
    const tell = (...all) => super.emit(...all);
    if (saw === 'connect') {
      Object.assign(this, { connected: true, id, recovered });
      tell('connect');
    } else if (saw === 'disconnect') {
      this.connected = false;
      tell('disconnect', reason);
    } else if (saw === 'connect_error') {
      tell('connect_error', Object.assign(new Error(message), { data }));
    } else if (this.listenerCount(event) > 0) {
      const ack = (...values) => this.io.tell({ do: 'ack', nsp: this.nsp, question, args: values.map(pack) });
      tell(event, ...unpack(args), ...(question === undefined ? [] : [ack]));
    }
  }
}

const running = new Set();
process.on('exit', () => { for (const child of running) child.kill('SIGKILL'); });

/// `io(url, options)` of socket.io-client.
export function connect(url, options = {}) {
  const { origin, pathname } = new URL(url);
  return new WeftManager(origin, options).socket(pathname, options);
}

/// Ends all clients.
export function stop() { for (const child of running) child.stdin.end(); }
