// The chat: rooms, messages and what is shown of the connection. Text from others reaches the page
// through textContent only. A message typed offline waits in its room and is sent on reconnect; its
// `key` lets receivers drop the copy when an answer got lost on the way.

import { Connection } from './connection.js';
import { Inspector } from './inspector.js';
import { moveOn, origin, several } from './nodes.js';

const ROOM_PREFIX = 'room:';
const FIRST_ROOM = 'lobby';
const MAX_ROOMS = 20;
const MAX_ROOM_BYTES = 64;
const MAX_NAME_BYTES = 64;
const MAX_UNSENT = 40;
const MAX_SHOWN = 300;
const MAX_KEYS = 500;
const LIST_EVERY = 10_000;
const GROUP_WITHIN = 4 * 60_000;

const $ = (id) => document.getElementById(id);
const el = (tag, className = '', text = '') => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
};
const byteLength = (text) => new TextEncoder().encode(text).length;
const clock = (date) => date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;
// A short hash: the same person has the same colour for everybody.
const hue = (text) => [...text].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) >>> 0, 7) % 8;

const storage = {
  get(key) {
    try { return sessionStorage.getItem(key); } catch { return null; }
  },
  set(key, value) {
    try { sessionStorage.setItem(key, value); } catch { /* Private mode: the name lives in the page. */ }
  },
};

// ------------------------------------------------------------------ what is known

class Room {
  constructor(name) {
    this.name = name;
    this.topic = ROOM_PREFIX + name;
    this.count = null; // unknown until the server says
    this.version = 0;
    this.unread = 0;
    this.entries = []; // {kind: 'message'|'divider', ...}
    this.draft = '';
  }
}

const rooms = new Map(); // joined, by name
let others = []; // rooms the server knows and we have not joined: {name, count}
let current = null;
let me = { id: '', name: storage.get('weft.name') || inventName() };
let keys = new Set();
let lostAt = 0;

function endpoint() {
  const url = new URL(document.querySelector('meta[name="weft-endpoint"]').content, origin());
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
const connection = new Connection(endpoint());
const inspector = new Inspector(connection);

function inventName() {
  const pick = (list) => list[Math.floor(Math.random() * list.length)];
  const colour = pick(['Amber', 'Indigo', 'Madder', 'Saffron', 'Ochre', 'Teal', 'Copper', 'Linen', 'Moss', 'Plum']);
  const animal = pick(['Heron', 'Otter', 'Finch', 'Lynx', 'Marten', 'Swift', 'Badger', 'Wren', 'Hare', 'Newt']);
  return `${colour} ${animal}`;
}

// ------------------------------------------------------------------ rooms

// The room a typed name means, or '' if it means none.
function roomName(typed) {
  const name = typed.normalize('NFC').trim().toLowerCase().replace(/^#+/, '')
    .replace(/[\s\u0000-\u001f\u007f]+/g, '-');
  return byteLength(name) <= MAX_ROOM_BYTES ? name : '';
}

function roomInAddress() {
  try { return roomName(decodeURIComponent(location.hash.slice(1))); } catch { return ''; }
}

function join(name) {
  let room = rooms.get(name);
  if (!room) {
    room = new Room(name);
    rooms.set(name, room);
    others = others.filter((other) => other.name !== name);
    subscribe(room);
    saveRooms();
  }
  return room;
}

async function subscribe(room) {
  try {
    const answer = await connection.request({ type: 'subscribe', topic: room.topic });
    countPresence(room, answer);
  } catch (error) {
    // Lost: every room is subscribed again on reconnect.
    if (error.code !== 'lost') addEntry(room, { kind: 'divider', text: `Could not join: ${error.message}.` });
  }
}

function leave(room) {
  if (rooms.size === 1) return;
  rooms.delete(room.name);
  saveRooms();
  connection.request({ type: 'unsubscribe', topic: room.topic }).then(askForRooms, () => {});
  if (current === room) show([...rooms.values()][0]);
  else renderRooms();
}

function show(room) {
  if (current) current.draft = $('message-input').value;
  current = room;
  room.unread = 0;
  if (location.hash !== `#${encodeURIComponent(room.name)}`) {
    history.replaceState(null, '', `#${encodeURIComponent(room.name)}`);
  }
  $('room-name').textContent = room.name;
  $('message-input').placeholder = `Write to #${room.name}`;
  $('message-input').value = room.draft;
  $('second-tab').href = `/#${encodeURIComponent(room.name)}`;
  fitComposer();
  renderMessages();
  renderRooms();
  renderPresence();
}

function saveRooms() {
  storage.set('weft.rooms', JSON.stringify([...rooms.keys()]));
}

function savedRooms() {
  try {
    const names = JSON.parse(storage.get('weft.rooms'));
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string' && roomName(name) === name && name) : [];
  } catch {
    return [];
  }
}

function countPresence(room, { count, version }) {
  if (!Number.isInteger(count) || !(version > room.version)) return; // an older count overtaken on its way
  room.version = version;
  room.count = count;
  renderRooms();
  if (room === current) renderPresence();
}

async function askForRooms() {
  if (document.hidden || connection.state !== 'open') return;
  try {
    const { topics } = await connection.request({ type: 'list' });
    others = topics
      .filter(({ topic }) => topic.startsWith(ROOM_PREFIX) && !rooms.has(topic.slice(ROOM_PREFIX.length)))
      .map(({ topic, count }) => ({ name: topic.slice(ROOM_PREFIX.length), count }))
      .slice(0, 30);
    renderRooms();
  } catch {
    // The next round asks again.
  }
}

// ------------------------------------------------------------------ messages

function addEntry(room, entry) {
  const previous = room.entries.at(-1);
  entry.follows = entry.kind === 'message' && previous?.kind === 'message' && previous.from.id === entry.from.id &&
    previous.from.name === entry.from.name && previous.mine === entry.mine && entry.at - previous.at < GROUP_WITHIN;
  room.entries.push(entry);
  if (room.entries.length > MAX_SHOWN) {
    const gone = room.entries.findIndex((old) => old.state !== 'pending');
    room.entries.splice(gone, 1)[0].node?.remove();
  }
  if (room !== current) return;
  const atEnd = isAtEnd();
  entry.node = makeNode(entry);
  entry.node.classList.add('fresh');
  $('messages').append(entry.node);
  $('empty').hidden = true;
  if (atEnd || entry.mine) scrollToEnd();
  else $('newer').hidden = false;
}

function remember(key) {
  keys.add(key);
  if (keys.size > MAX_KEYS) keys.delete(keys.values().next().value);
}

function received({ topic, from, data }) {
  if (typeof topic !== 'string' || typeof data?.text !== 'string' || typeof from?.name !== 'string') return;
  const room = rooms.get(topic.slice(ROOM_PREFIX.length));
  if (!room || room.topic !== topic) return;
  if (typeof data.key === 'string') {
    if (keys.has(data.key)) return;
    remember(data.key);
  }
  addEntry(room, {
    kind: 'message', from: { id: String(from.id), name: from.name || 'Somebody' }, at: Date.now(),
    text: data.text.slice(0, 4000), mine: false, state: 'received',
  });
  if (room !== current || document.hidden) {
    room.unread++;
    renderRooms();
  }
}

function say(text) {
  const key = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 10)}`;
  const entry = { kind: 'message', from: { ...me }, at: Date.now(), text, key, mine: true, state: 'pending' };
  addEntry(current, entry);
  deliver(current, entry);
}

async function deliver(room, entry) {
  entry.state = 'pending';
  updateNode(entry);
  renderComposer();
  if (connection.state !== 'open') return;
  try {
    await connection.request({ type: 'publish', topic: room.topic, data: { text: entry.text, key: entry.key } });
    entry.state = 'sent';
  } catch (error) {
    if (error.code !== 'lost') {
      entry.state = 'failed';
      entry.reason = error.message;
    }
  }
  updateNode(entry, () => deliver(room, entry));
  renderComposer();
}

function unsent() {
  return [...rooms.values()].flatMap((room) =>
    room.entries.filter((entry) => entry.state === 'pending').map((entry) => [room, entry]));
}

// ------------------------------------------------------------------ drawing

function makeAvatar(node, name) {
  node.className = `avatar hue-${hue(name)}`;
  node.textContent = [...name.trim()][0]?.toUpperCase() ?? '?';
  return node;
}

function makeNode(entry) {
  if (entry.kind === 'divider') return el('p', 'divider', entry.text);
  const node = el('article', 'message');
  node.classList.toggle('mine', entry.mine);
  node.classList.toggle('follows', entry.follows);
  const avatar = makeAvatar(el('span'), entry.from.name);
  avatar.setAttribute('aria-hidden', 'true');
  const who = el('p', 'who');
  const time = el('time', '', clock(new Date(entry.at)));
  time.dateTime = new Date(entry.at).toISOString();
  who.append(el('b', '', entry.mine ? 'You' : entry.from.name), time);
  const body = el('div', 'body');
  body.append(el('p', 'bubble', entry.text));
  node.append(avatar, who, body);
  entry.node = node;
  updateNode(entry);
  return node;
}

function updateNode(entry, retry) {
  if (retry) entry.retry = retry;
  if (!entry.node) return;
  entry.node.classList.toggle('pending', entry.state === 'pending');
  entry.node.classList.toggle('failed', entry.state === 'failed');
  if (entry.mine) entry.node.dataset.state = entry.state;
  entry.node.querySelector('.fate')?.remove();
  if (entry.state === 'pending' && connection.state !== 'open') {
    entry.node.querySelector('.body').append(el('p', 'fate', 'Waiting for the connection'));
  } else if (entry.state === 'failed') {
    const fate = el('p', 'fate', `Not sent: ${entry.reason}. `);
    const again = el('button', '', 'Try again');
    again.type = 'button';
    again.addEventListener('click', () => entry.retry());
    fate.append(again);
    entry.node.querySelector('.body').append(fate);
  }
}

function renderMessages() {
  const log = $('messages');
  log.setAttribute('aria-live', 'off'); // changing the room is not news
  log.replaceChildren(...current.entries.map((entry) => (entry.node = makeNode(entry))));
  $('empty').hidden = current.entries.length > 0;
  scrollToEnd();
  requestAnimationFrame(() => log.setAttribute('aria-live', 'polite'));
}

function roomButton(name, count, room) {
  const item = el('li');
  const button = el('button');
  button.type = 'button';
  button.dataset.room = name;
  button.classList.toggle('joined', Boolean(room));
  button.append(el('span', 'name', name));
  if (room?.unread) {
    button.classList.add('unread');
    const badge = el('span', 'badge', room.unread > 99 ? '99+' : String(room.unread));
    badge.append(el('span', 'hidden-text', ' unread'));
    button.append(badge);
  } else {
    const label = el('span', 'count', room ? String(count ?? '') : `${count} · join`);
    if (room && count !== null) label.append(el('span', 'hidden-text', ' here'));
    button.append(label);
  }
  if (room && room === current) button.setAttribute('aria-current', 'true');
  button.addEventListener('click', () => {
    if (rooms.size >= MAX_ROOMS && !rooms.has(name)) return tellRoom(`You are in ${MAX_ROOMS} rooms, leave one first.`);
    show(join(name));
    openPanel('rooms', false);
  });
  item.append(button);
  return item;
}

function renderRooms() {
  const list = $('room-list');
  const focused = document.activeElement?.closest?.('#room-list button')?.dataset.room;
  const online = connection.state === 'open';
  list.replaceChildren(
    ...[...rooms.values()].map((room) => roomButton(room.name, online ? room.count : null, room)),
    ...others.map(({ name, count }) => roomButton(name, count, null)));
  if (focused !== undefined) {
    [...list.querySelectorAll('button')].find((button) => button.dataset.room === focused)?.focus();
  }
  const unread = [...rooms.values()].reduce((sum, room) => sum + room.unread, 0);
  document.title = unread ? `(${unread}) Weft` : 'Weft';
  $('rooms-dot').hidden = unread === 0;
  $('leave-button').hidden = rooms.size === 1;
}

function renderPresence() {
  const known = connection.state === 'open' && current.count !== null;
  $('presence').textContent = known ? `${current.count} here${several ? ' on this node' : ''}` : '– here';
}

function renderComposer() {
  const full = unsent().length >= MAX_UNSENT;
  document.querySelector('.send').disabled = full || $('message-input').value.trim() === '';
  $('composer-hint').classList.toggle('full', full);
  $('composer-hint').textContent = full
    ? `${MAX_UNSENT} messages are waiting for the connection. No more until they are sent.`
    : 'Enter sends, Shift and Enter starts a new line.';
}

function fitComposer() {
  const input = $('message-input');
  input.style.height = 'auto';
  input.style.height = `${Math.min(input.scrollHeight + 2, 148)}px`;
  renderComposer();
}

const isAtEnd = () => $('scroll').scrollHeight - $('scroll').scrollTop - $('scroll').clientHeight < 60;

function scrollToEnd() {
  $('scroll').scrollTop = $('scroll').scrollHeight;
  $('newer').hidden = true;
}

function secondsToRetry() {
  return Math.max(1, Math.ceil((connection.retryAt - Date.now()) / 1000));
}

const STATE_TEXT = { open: 'Live', connecting: 'Connecting', waiting: 'Reconnecting', closed: 'Offline' };

function renderState() {
  const { state } = connection;
  document.body.dataset.state = state;
  $('state-button').dataset.state = state;
  const again = connection.lastClose !== null;
  $('state-text').textContent = state === 'connecting' && again ? 'Reconnecting' : STATE_TEXT[state];
  $('notice').hidden = state === 'open' || !again;
  renderCountdown();
}

function renderCountdown() {
  const waiting = connection.state === 'waiting';
  $('notice-text').textContent = waiting ? `Connection lost, reconnecting in ${secondsToRetry()} s` : 'Reconnecting now';
  $('retry-button').hidden = !waiting;
}

// ------------------------------------------------------------------ panels

const toggles = { rooms: $('rooms-toggle'), inspector: $('inspector-toggle') };
const panels = { rooms: $('rooms-panel'), inspector: $('inspector-panel') };
const isOpen = (panel) => document.body.classList.contains(`${panel}-open`);

function openPanel(panel, open) {
  const inside = panels[panel].contains(document.activeElement);
  document.body.classList.toggle(`${panel}-open`, open);
  toggles[panel].setAttribute('aria-expanded', String(open));
  if (open) panels[panel].querySelector('[data-close]').focus({ focusVisible: false });
  else if (inside && toggles[panel].offsetParent) toggles[panel].focus();
}

for (const panel of Object.keys(panels)) {
  toggles[panel].addEventListener('click', () => openPanel(panel, !isOpen(panel)));
  panels[panel].querySelector('[data-close]').addEventListener('click', () => openPanel(panel, false));
}
$('state-button').addEventListener('click', () => openPanel('inspector', !isOpen('inspector')));
const closeDrawers = () => {
  openPanel('rooms', false);
  if (!matchMedia('(min-width: 1100px)').matches) openPanel('inspector', false);
};
$('shade').addEventListener('click', closeDrawers);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') closeDrawers();
  if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
  event.preventDefault();
  const all = [...rooms.values()];
  const step = event.key === 'ArrowUp' ? -1 : 1;
  show(all[(all.indexOf(current) + step + all.length) % all.length]);
});

// ------------------------------------------------------------------ what people do

function tellRoom(text) {
  $('room-hint').textContent = text;
}

$('room-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = roomName($('room-input').value);
  if (name === '') return tellRoom('A room needs a name, and a short one.');
  if (rooms.size >= MAX_ROOMS && !rooms.has(name)) return tellRoom(`You are in ${MAX_ROOMS} rooms, leave one first.`);
  tellRoom('');
  $('room-input').value = '';
  show(join(name));
  openPanel('rooms', false);
  $('message-input').focus();
});

function rename() {
  let name = $('name-input').value.normalize('NFC').replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  while (byteLength(name) > MAX_NAME_BYTES) name = [...name].slice(0, -1).join('');
  $('name-input').value = name || me.name;
  makeAvatar($('my-avatar'), $('name-input').value);
  if (!name || name === me.name) return;
  me.name = name;
  storage.set('weft.name', name);
  hello();
}

$('name-form').addEventListener('submit', (event) => {
  event.preventDefault();
  rename();
  $('message-input').focus();
});
$('name-input').addEventListener('change', rename);
$('leave-button').addEventListener('click', () => leave(current));
$('retry-button').addEventListener('click', () => connection.connect());
$('newer').addEventListener('click', scrollToEnd);
let wasAtEnd = true;
$('scroll').addEventListener('scroll', () => {
  wasAtEnd = isAtEnd();
  if (wasAtEnd) $('newer').hidden = true;
});
// A notice, a keyboard or a taller composer takes room away: the last message stays in sight.
new ResizeObserver(() => { if (wasAtEnd) scrollToEnd(); }).observe($('scroll'));
$('message-input').addEventListener('input', fitComposer);
$('message-input').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $('composer').requestSubmit();
});
$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = $('message-input').value.trim();
  if (text === '' || unsent().length >= MAX_UNSENT) return;
  $('message-input').value = '';
  say(text);
  fitComposer();
});
window.addEventListener('hashchange', () => {
  const name = roomInAddress();
  if (name && (rooms.has(name) || rooms.size < MAX_ROOMS)) show(join(name));
});
window.addEventListener('online', () => connection.connect());
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  current.unread = 0;
  renderRooms();
  askForRooms();
  if (connection.state === 'waiting') connection.connect();
});

// ------------------------------------------------------------------ the connection

async function hello() {
  try {
    const { you } = await connection.request({ type: 'hello', name: me.name });
    me.id = you.id;
    inspector.setId(you.id);
  } catch {
    // Lost: hello goes first again on reconnect.
  }
}

connection.addEventListener('open', () => {
  hello();
  for (const room of rooms.values()) {
    room.version = 0; // a restarted server counts anew
    subscribe(room);
  }
  for (const [room, entry] of unsent()) deliver(room, entry);
  askForRooms();
  if (lostAt === 0) return;
  const away = Math.round((Date.now() - lostAt) / 1000);
  lostAt = 0;
  const text = `Reconnected after ${away < 1 ? 'a moment' : plural(away, 'second', 'seconds')}. What others said meanwhile is not here.`;
  for (const room of rooms.values()) {
    if (room.entries.length > 0) addEntry(room, { kind: 'divider', text });
  }
});

connection.addEventListener('state', () => {
  renderState();
  renderRooms();
  renderPresence();
  const before = $('announcer').textContent;
  if (connection.state === 'open') $('announcer').textContent = before ? 'Connected again' : 'Connected';
  if (connection.state === 'waiting') {
    lostAt ||= Date.now();
    moveOn();
    connection.url = endpoint();
    $('announcer').textContent = 'Connection lost, reconnecting';
    for (const [, entry] of unsent()) updateNode(entry);
  }
});

connection.addEventListener('event', ({ detail }) => {
  if (detail.type === 'message') received(detail);
  if (detail.type === 'presence' && typeof detail.topic === 'string') {
    const room = rooms.get(detail.topic.slice(ROOM_PREFIX.length));
    if (room) countPresence(room, detail);
  }
});

setInterval(() => { if (connection.state === 'waiting') renderCountdown(); }, 250);
setInterval(askForRooms, LIST_EVERY);

$('name-input').value = me.name;
makeAvatar($('my-avatar'), me.name);
storage.set('weft.name', me.name);
const firstRoom = roomInAddress();
for (const name of new Set([FIRST_ROOM, ...savedRooms(), firstRoom].filter(Boolean))) {
  if (rooms.size < MAX_ROOMS) join(name);
}
if (matchMedia('(min-width: 1100px)').matches) {
  document.body.classList.add('inspector-open');
  toggles.inspector.setAttribute('aria-expanded', 'true');
}
show(rooms.get(firstRoom) ?? rooms.get(FIRST_ROOM));
if (matchMedia('(pointer: fine)').matches) $('message-input').focus();
renderState();
connection.connect();
