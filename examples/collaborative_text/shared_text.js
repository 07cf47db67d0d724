// The clients' half of the shared text: a Yjs document kept in step through a Socket.IO namespace
// (shared_text.hpp says what is spoken), and a textarea bound to it. Bundled with Yjs at build time.
//
// What is written offline stays in the document. After each connect the server replays its log;
// what the document has beyond that goes out as one update. So it does not matter who was away, or
// whether the server was restarted and knows nothing any more.

import * as Y from 'yjs';

const ANSWER_TIMEOUT = 10_000;

/** Events: "text" (a change that `replace` did not make; detail: Yjs delta), "state", "people". */
export class SharedText extends EventTarget {
  #socket;
  #doc = new Y.Doc();
  #text = this.#doc.getText('text');
  #undo = new Y.UndoManager(this.#text, { trackedOrigins: new Set(['local']) });
  #known = 0; // every entry of the server's log up to this number is in the document
  #ahead = new Set(); // entries that came before one with a smaller number
  #replayed = null; // while the log is replayed: what the server has
  #held = null; // updates that wait for `release`
  #unanswered = 0;
  #compacting = false;

  constructor(socket) {
    super();
    this.state = 'offline'; // offline, syncing, live
    this.people = 0;
    this.refusal = ''; // why the server did not take an update
    this.#socket = socket;
    socket.on('connect', () => this.#connected());
    socket.on('disconnect', () => this.#become('offline'));
    socket.on('update', (number, update) => this.#received(number, new Uint8Array(update)));
    socket.on('synced', (last) => this.#synced(last));
    socket.on('people', (count) => {
      this.people = count;
      this.dispatchEvent(new Event('people'));
    });
    this.#doc.on('update', (update, origin) => {
      if (origin !== this && this.state === 'live') this.#send(update);
    });
    this.#text.observe((event, transaction) => {
      if (transaction.origin === 'local') return;
      this.dispatchEvent(new CustomEvent('text', { detail: event.delta }));
    });
    if (socket.connected) this.#connected();
  }

  get value() { return this.#text.toString(); }
  /** Whether the server has all that was written here. */
  get saved() { return this.state === 'live' && this.#unanswered === 0 && !this.refusal; }

  /** An edit made here. */
  replace(at, deleted, inserted) {
    this.#doc.transact(() => {
      this.#text.delete(at, deleted);
      this.#text.insert(at, inserted);
    }, 'local');
  }
  undo() { this.#undo.undo(); }
  redo() { this.#undo.redo(); }

  /** Between the two, nothing that others wrote changes the text. */
  hold() { this.#held ??= []; }
  release() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const update of held) this.#apply(this.#doc, update);
  }

  #connected() {
    this.#replayed?.destroy();
    this.#replayed = new Y.Doc();
    this.#known = 0;
    this.#ahead.clear();
    this.#become('syncing');
  }

  #received(number, update) {
    if (this.#replayed) this.#apply(this.#replayed, update);
    else this.#saw(number);
    if (this.#held) this.#held.push(update);
    else this.#apply(this.#doc, update);
  }

  #apply(doc, update) {
    try {
      Y.applyUpdate(doc, update, this);
    } catch (error) {
      console.warn('an update that Yjs cannot read was left out:', error);
    }
  }

  #synced(last) {
    if (!this.#replayed) return;
    const theirs = this.#replayed;
    this.#replayed = null;
    this.#known = last;
    this.refusal = '';
    this.#become('live');
    if (!Y.equalSnapshots(Y.snapshot(theirs), Y.snapshot(this.#doc))) {
      this.#send(Y.encodeStateAsUpdate(this.#doc, Y.encodeStateVector(theirs)));
    }
    theirs.destroy();
  }

  async #send(update) {
    const { id } = this.#socket;
    this.#unanswered++;
    this.#changed();
    try {
      const answer = await this.#socket.timeout(ANSWER_TIMEOUT).emitWithAck('update', update);
      if (id !== this.#socket.id) return;
      this.refusal = answer.error?.message ?? '';
      if (answer.error) return;
      this.#saw(answer.number);
      if (answer.compact) this.#compact();
    } catch {
      // Lost on the way: what the next replay lacks is sent again.
      if (id === this.#socket.id && this.#socket.connected) this.#socket.disconnect().connect();
    } finally {
      this.#unanswered--;
      this.#changed();
    }
  }

  #saw(number) {
    if (number > this.#known) this.#ahead.add(number);
    while (this.#ahead.delete(this.#known + 1)) this.#known++;
  }

  // Whoever has seen the whole log may shorten it.
  async #compact() {
    if (this.#compacting || this.#ahead.size > 0 || this.#held) return;
    this.#compacting = true;
    try {
      await this.#socket.timeout(ANSWER_TIMEOUT).emitWithAck('compact', this.#known, Y.encodeStateAsUpdate(this.#doc));
    } catch {
      // Somebody will be asked again.
    } finally {
      this.#compacting = false;
    }
  }

  #become(state) {
    this.state = state;
    this.#changed();
  }

  #changed() { this.dispatchEvent(new Event('state')); }
}

const isHigh = (text, at) => (text.charCodeAt(at) & 0xfc00) === 0xd800;
const isLow = (text, at) => (text.charCodeAt(at) & 0xfc00) === 0xdc00;

/** What turned `before` into `after`, near the caret, without cutting a surrogate pair. */
export function difference(before, after, caret) {
  const most = Math.min(before.length, after.length);
  let tail = 0;
  const mostTail = Math.min(most, after.length - caret);
  while (tail < mostTail && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  if (tail > 0 && isLow(after, after.length - tail)) tail--;
  let at = 0;
  while (at < most - tail && before[at] === after[at]) at++;
  if (at > 0 && isHigh(after, at - 1)) at--;
  return { at, deleted: before.length - at - tail, inserted: after.slice(at, after.length - tail) };
}

/** Where a position is after a delta. */
export function moved(position, delta) {
  let at = 0;
  for (const { retain, insert, delete: deleted } of delta) {
    if (retain) at += retain;
    if (insert) {
      if (at < position) position += insert.length;
      at += insert.length;
    }
    if (deleted && at < position) position -= Math.min(deleted, position - at);
  }
  return position;
}

/** Shows the text in a textarea and takes what is typed there. */
export function bind(area, shared) {
  let shown = area.value = shared.value;
  area.addEventListener('input', () => {
    const { at, deleted, inserted } = difference(shown, area.value, area.selectionEnd);
    shown = area.value;
    shared.replace(at, deleted, inserted);
  });
  shared.addEventListener('text', ({ detail }) => {
    const { selectionStart, selectionEnd, selectionDirection, scrollTop } = area;
    shown = area.value = shared.value;
    area.setSelectionRange(moved(selectionStart, detail), moved(selectionEnd, detail), selectionDirection);
    area.scrollTop = scrollTop;
  });
  // An input method owns the text that it composes.
  area.addEventListener('compositionstart', () => shared.hold());
  area.addEventListener('compositionend', () => shared.release());
  area.addEventListener('keydown', (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || (key !== 'z' && key !== 'y')) return;
    event.preventDefault(); // the browser's own history knows nothing of the others
    if (key === 'y' || event.shiftKey) shared.redo();
    else shared.undo();
  });
}
