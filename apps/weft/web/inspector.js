// The panel that shows what the connection does: numbers, round trips and the last frames. It only
// listens; nothing of the chat depends on it.

const MAX_FRAMES = 50;
const MAX_TEXT = 240;

const $ = (id) => document.getElementById(id);
const el = (tag, className, text) => {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
};
const plural = (n, one, many) => `${n.toLocaleString()} ${n === 1 ? one : many}`;

function bytes(n) {
  if (n < 1000) return `${n} B`;
  return n < 1_000_000 ? `${(n / 1000).toFixed(1)} kB` : `${(n / 1_000_000).toFixed(1)} MB`;
}

function milliseconds(ms) {
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}

function duration(ms) {
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s} s`;
  return s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}

// What the codes of RFC 6455 section 7.4.1 and our own mean.
const CLOSE_CODES = {
  1000: 'normal', 1001: 'going away', 1002: 'protocol error', 1003: 'unsupported data', 1006: 'no close frame',
  1008: 'policy violation', 1009: 'message too big', 1011: 'server error', 1012: 'server restarts', 1013: 'try again later',
};

export class Inspector {
  #connection;
  #frames = [];
  #paused = false;

  constructor(connection) {
    this.#connection = connection;
    $('fact-url').textContent = connection.url;
    connection.addEventListener('frame', ({ detail }) => this.#addFrame(detail));
    connection.addEventListener('rtt', () => this.#showTrip());
    connection.addEventListener('state', () => this.#showFacts());
    setInterval(() => this.#showFacts(), 1000);
    $('drop-button').addEventListener('click', () => connection.drop('dropped by hand'));
    $('pause-button').addEventListener('click', () => this.#pause(!this.#paused));
    $('clear-button').addEventListener('click', () => {
      this.#frames = [];
      this.#showFrames();
    });
    $('show-pings').addEventListener('change', () => this.#showFrames());
    this.#showFrames();
  }

  setId(id) {
    $('fact-id').textContent = id;
  }

  #showFacts() {
    const { state, stats, lastClose, openedAt } = this.#connection;
    const set = (id, text) => {
      if ($(id).textContent !== text) $(id).textContent = text;
    };
    set('fact-state', { open: 'open', waiting: 'waiting to reconnect' }[state] ?? state);
    set('fact-since', state === 'open' ? duration(Date.now() - openedAt) : '–');
    set('fact-out', `${plural(stats.framesOut, 'message', 'messages')}, ${bytes(stats.bytesOut)}`);
    set('fact-in', `${plural(stats.framesIn, 'message', 'messages')}, ${bytes(stats.bytesIn)}`);
    set('fact-reconnects', String(stats.reconnects));
    if (lastClose) {
      const text = lastClose.reason || CLOSE_CODES[lastClose.code] || '';
      set('fact-close', `${lastClose.code}${text ? ` ${text}` : ''}`);
    }
    $('drop-button').disabled = state !== 'open';
    if (state !== 'open') set('rtt', '–');
  }

  #showTrip() {
    const { rtts } = this.#connection;
    $('rtt').textContent = milliseconds(rtts.at(-1));
    const top = Math.max(...rtts, 1);
    const all = rtts.length === 1 ? [rtts[0], rtts[0]] : rtts;
    const points = all.map((rtt, i) => `${(i / (all.length - 1)) * 200},${42 - (rtt / top) * 38}`);
    $('spark').firstElementChild.setAttribute('points', points.join(' '));
  }

  #pause(paused) {
    this.#paused = paused;
    $('pause-button').setAttribute('aria-pressed', String(paused));
    $('pause-button').textContent = paused ? 'Resume' : 'Pause';
  }

  #addFrame(frame) {
    if (this.#paused) return;
    frame.isPing = frame.type === 'ping' || frame.type === 'pong';
    this.#frames.unshift(frame);
    // Pings do not push the frames people look for out of the log.
    for (const kind of [true, false]) {
      const same = this.#frames.filter((each) => each.isPing === kind);
      if (same.length > MAX_FRAMES) this.#frames.splice(this.#frames.lastIndexOf(same.at(-1)), 1);
    }
    const list = $('frames');
    if (!this.#shown(frame)) return;
    if (list.firstElementChild?.className === 'none') list.replaceChildren();
    list.prepend(this.#frameNode(frame));
    while (list.childElementCount > MAX_FRAMES) list.lastElementChild.remove();
  }

  #shown(frame) {
    return !frame.isPing || $('show-pings').checked;
  }

  #showFrames() {
    const shown = this.#frames.filter((frame) => this.#shown(frame)).slice(0, MAX_FRAMES);
    $('frames').replaceChildren(...shown.map((frame) => this.#frameNode(frame)));
    if (shown.length === 0) $('frames').append(el('li', 'none', 'Nothing yet'));
  }

  #frameNode({ direction, text, bytes: size, at }) {
    const node = el('li', direction, '');
    const way = el('span', 'way', direction === 'in' ? '↓' : '↑');
    way.setAttribute('aria-label', direction === 'in' ? 'received' : 'sent');
    way.setAttribute('role', 'img');
    const content = el('span', '', '');
    const time = at.toLocaleTimeString([], { hour12: false });
    content.append(el('span', 'meta', `${time}  ${bytes(size)}`),
      el('span', 'text', text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text));
    node.append(way, content);
    return node;
  }
}
