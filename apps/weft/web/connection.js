// One WebSocket that comes back by itself. Speaks the topic protocol (docs/guide/topic-protocol.md):
// requests carry an id and return a promise; everything else that arrives is an event.
//
// Events: "state" (this.state changed), "open" (send hello and subscriptions now),
// "event" (detail: a message or presence), "frame" (detail: one frame, either way), "rtt".

const FIRST_DELAY = 400;
const MAX_DELAY = 15_000;
const CONNECT_TIMEOUT = 8_000;
const PING_EVERY = 4_000;
const ANSWER_TIMEOUT = 8_000;

/** The server's answer to a request was an error, or there was no answer (`code` "lost"). */
export class RequestError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const byteLength = (text) => new TextEncoder().encode(text).length;

export class Connection extends EventTarget {
  #socket = null;
  #attempt = 0;
  #nextId = 1;
  #waiting = new Map(); // id -> {resolve, reject, timer}
  #timer = 0; // of the present state: connect time-out, next ping or next attempt

  constructor(url) {
    super();
    this.url = url;
    this.state = 'closed'; // closed, connecting, open, waiting
    this.retryAt = 0;
    this.openedAt = 0;
    this.everOpen = false;
    this.rtts = [];
    this.lastClose = null;
    this.stats = { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0, reconnects: 0 };
  }

  connect() {
    clearTimeout(this.#timer);
    if (this.#socket) return;
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#become('connecting');
    this.#timer = setTimeout(() => this.#lost(4001, 'no answer while connecting'), CONNECT_TIMEOUT);
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => this.#lost(event.code, event.reason);
  }

  /** Closes for a test of the reconnect, as a failing network would. */
  drop(reason) {
    if (this.#socket) this.#lost(4000, reason);
  }

  /** Sends a request; resolves with the answer, rejects with a RequestError. */
  request(content) {
    if (this.state !== 'open') return Promise.reject(new RequestError('lost', 'not connected'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new RequestError('lost', 'no answer in time'));
      }, ANSWER_TIMEOUT);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#send(JSON.stringify({ ...content, id }), content.type);
    });
  }

  #opened() {
    clearTimeout(this.#timer);
    if (this.everOpen) this.stats.reconnects++;
    this.everOpen = true;
    this.openedAt = Date.now();
    this.#become('open');
    this.dispatchEvent(new Event('open'));
    this.#ping();
  }

  async #ping() {
    const socket = this.#socket;
    const start = performance.now();
    try {
      await this.request({ type: 'ping' });
    } catch (error) {
      if (socket !== this.#socket) return;
      if (error.code === 'lost') return this.#lost(4002, 'no pong in time');
    }
    if (socket !== this.#socket) return;
    this.#attempt = 0; // not before: a server that accepts and drops is not hammered
    this.rtts.push(performance.now() - start);
    if (this.rtts.length > 40) this.rtts.shift();
    this.dispatchEvent(new Event('rtt'));
    this.#timer = setTimeout(() => this.#ping(), PING_EVERY);
  }

  #send(text, type) {
    this.#socket.send(text);
    const bytes = byteLength(text);
    this.stats.framesOut++;
    this.stats.bytesOut += bytes;
    this.#frame('out', text, bytes, type);
  }

  #received(text) {
    if (typeof text !== 'string') return;
    const bytes = byteLength(text);
    this.stats.framesIn++;
    this.stats.bytesIn += bytes;
    let content = null;
    try {
      content = JSON.parse(text);
    } catch {
      // Shown in the log, otherwise ignored.
    }
    this.#frame('in', text, bytes, content?.type);
    if (content === null || typeof content !== 'object') return;
    const waiting = this.#waiting.get(content.id);
    if (!waiting) {
      this.dispatchEvent(new CustomEvent('event', { detail: content }));
      return;
    }
    this.#waiting.delete(content.id);
    clearTimeout(waiting.timer);
    if (content.type === 'error') waiting.reject(new RequestError(content.code, content.message));
    else waiting.resolve(content);
  }

  #frame(direction, text, bytes, type) {
    const detail = { direction, text, bytes, type, at: new Date() };
    this.dispatchEvent(new CustomEvent('frame', { detail }));
  }

  #lost(code, reason) {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (code >= 4000) socket.close(code, reason);
    this.#socket = null;
    clearTimeout(this.#timer);
    // An attempt that failed says less than why the last working connection ended.
    if (this.state === 'open' || this.lastClose === null) this.lastClose = { code, reason };
    // Full jitter over the upper half: a restarted server is not met by everybody at once.
    const ceiling = Math.min(MAX_DELAY, FIRST_DELAY * 2 ** this.#attempt++);
    const delay = ceiling * (0.5 + Math.random() / 2);
    this.retryAt = Date.now() + delay;
    this.#timer = setTimeout(() => this.connect(), delay);
    this.#become('waiting');
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new RequestError('lost', 'the connection was lost'));
    }
    this.#waiting.clear();
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event('state'));
  }
}
