// The page on security: five trials against the real doors of this server. Beside what the page got
// stands what the log and the counters say, from an event stream. All of it is shown as text.

import { io } from '/socket.io/socket.io.esm.min.js';

const MOST_LINES = 12;

// Which lines of the log and which counters belong to a trial.
const TRIALS = {
  login: { lines: /\/security\/(me|members)/, counters: /auth_errors|socketio_refused/ },
  expiry: { lines: /expired.*\/security\/members|(identity|token) (has )?expired/, counters: /expired/ },
  foreign: { lines: /Origin/, counters: /origin_refused/ },
  orders: { lines: /\/security\/orders/, counters: /violations/ },
  flood: { lines: /\/security\/flood/, counters: /throttled|too_fast/ },
};

// A connection for one trial. No polls: one that is under way when the page closes would be answered with 400.
const ONCE = { forceNew: true, reconnection: false, transports: ['websocket'] };

const $ = (id) => document.getElementById(id);
const part = (trial, name) => document.querySelector(`#${trial} [data-${name}]`);
const wsUrl = (path) => `${location.origin.replace(/^http/, 'ws')}/security/${path}`;

for (const trial of Object.keys(TRIALS)) $(trial).append($('evidence').content.cloneNode(true));

function lineOf(text, kind = '') {
  return Object.assign(document.createElement('li'), { textContent: text, className: kind });
}

/** Shows what the page got, the newest last. */
function say(trial, text, kind) {
  const list = part(trial, 'said');
  list.append(lineOf(text, kind));
  while (list.children.length > MOST_LINES) list.firstChild.remove();
  list.scrollTop = list.scrollHeight;
}

// ---- What the server says ----

let foreignPage = '';

function showEvidence({ foreign, lines, counters }) {
  for (const [trial, mine] of Object.entries(TRIALS)) {
    const told = lines.filter(({ text }) => mine.lines.test(text)).slice(-MOST_LINES);
    const list = part(trial, 'lines');
    list.replaceChildren(...told.map(({ level, layer, text }) => lineOf(`${level} ${layer}: ${text}`, level)));
    list.scrollTop = list.scrollHeight;
    part(trial, 'counters').replaceChildren(
      ...counters.filter(([name]) => mine.counters.test(name)).map(([name, value]) => lineOf(`${name} ${value}`)));
  }
  // It listens on a loopback address, which to a browser elsewhere is another machine.
  foreignPage = ['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname) ? foreign : '';
  $('foreign-button').disabled = !foreignPage;
  $('foreign-hint').hidden = Boolean(foreignPage);
}

function show(state, text, notice) {
  document.body.dataset.state = state;
  $('state').dataset.state = state;
  $('state-text').textContent = text;
  $('notice').hidden = !notice;
  $('notice-text').textContent = notice;
}

const events = new EventSource('/security/events');
events.onopen = () => show('open', 'Live', '');
events.onerror = () => show('waiting', 'Reconnecting', 'Connection lost, reconnecting');
events.onmessage = ({ data }) => showEvidence(JSON.parse(data));

// ---- Doors ----

/** A token of the demo's login. Negative seconds: it ended then. */
async function mint(seconds) {
  const answer = await fetch('/security/login', {
    method: 'POST', body: JSON.stringify({ name: $('name').value, seconds }),
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()).token;
}

/** Whether this page closed it. */
const isOurs = ({ code }) => code === 1005;

let open = null; // the connection of the present trial

function leave() {
  open?.close();
  open = null;
}

const doors = {
  async route(trial, token) {
    const answer = await fetch('/security/me', token ? { headers: { Authorization: `Bearer ${token}` } } : {});
    say(trial, `${answer.status} ${await answer.text()}`, answer.ok ? 'good' : 'bad');
  },

  // Browsers cannot set headers of a WebSocket, and hide the status of one that was refused: so the
  // token is the first message. `renew` is asked for a newer one when the server wants it.
  websocket(trial, token, renew) {
    const socket = new WebSocket(wsUrl('members'));
    open = socket;
    socket.onopen = () => socket.send(token ? JSON.stringify({ type: 'auth', token }) : 'let me in');
    socket.onmessage = async ({ data }) => {
      if (!data.startsWith('{')) return say(trial, data, 'good');
      const told = JSON.parse(data);
      say(trial, data, told.ok === false ? 'bad' : '');
      if (told.ok) socket.send('hello');
      else if (told.ok === undefined && renew) socket.send(JSON.stringify({ type: 'auth', token: await renew() }));
    };
    socket.onclose = (event) => {
      if (isOurs(event)) say(trial, 'closed by this page');
      else say(trial, `closed with ${event.code} ${event.reason}`, 'bad');
    };
  },

  socketio(trial, token, renew) {
    const socket = io('/security/members', { ...ONCE, auth: token ? { token } : {} });
    open = socket;
    const hello = async () => say(trial, await socket.emitWithAck('hello'), 'good');
    socket.on('connect', hello);
    socket.on('connect_error', (error) => {
      say(trial, `connect_error: ${error.message}`, 'bad');
      socket.close();
    });
    socket.on('token_expiring', async (left) => {
      say(trial, `token_expiring: ${left}`);
      if (!renew) return;
      const answer = await socket.emitWithAck('refresh_token', await renew());
      say(trial, `refresh_token: ${JSON.stringify(answer)}`, answer.ok ? '' : 'bad');
      if (answer.ok) await hello();
    });
    socket.on('disconnect', (reason, details) => {
      if (reason === 'io client disconnect') say(trial, 'closed by this page');
      else say(trial, `disconnected: ${reason}${closeOf(details)}`, 'bad');
    });
  },
};

/** The close code below, if the transport had one. */
function closeOf(details) {
  const event = details?.context;
  return event?.code ? ` (closed with ${event.code} ${event.reason})` : '';
}

/** Runs a trial when the button is clicked, and shows what it throws. */
function onClick(selector, trial, run) {
  for (const button of document.querySelectorAll(selector)) {
    button.addEventListener('click', async () => {
      leave();
      try {
        await run(button.dataset);
      } catch (error) {
        say(trial, error.message, 'bad');
      }
    });
  }
}

// ---- Who are you? ----

let bearer = '';

$('login-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    bearer = await mint(120);
    $('bearer').textContent = `You have a token of ${$('name').value}. Come in.`;
  } catch (error) {
    say('login', error.message, 'bad');
  }
});
onClick('[data-door]', 'login', ({ door }) => doors[door]('login', bearer));

// ---- Until when? ----

onClick('[data-token]', 'expiry', async ({ token }) => {
  const over = document.querySelector('input[name="over"]:checked').value;
  const first = await mint(token === 'old' ? -30 : 6);
  doors[over]('expiry', first, token === 'refreshed' ? () => mint(120) : null);
});

// ---- Whose page is it? ----

onClick('#foreign-button', 'foreign', () => {
  const frame = Object.assign(document.createElement('iframe'), {
    title: 'A page of another origin', className: 'foreign', src: `${foreignPage}#${location.origin}`,
  });
  $('foreign-place').replaceChildren(frame);
  say('foreign', `This page is of ${location.origin}, that one of ${new URL(foreignPage).origin}.`);
});

// ---- What may be said? ----

onClick('[data-order="websocket"]', 'orders', () => {
  const socket = new WebSocket(wsUrl('orders'));
  open = socket;
  socket.onopen = () => socket.send($('order').value);
  socket.onmessage = ({ data }) => {
    say('orders', data, data.startsWith('{') ? 'bad' : 'good');
    socket.close();
  };
});

onClick('[data-order="socketio"]', 'orders', async () => {
  const order = JSON.parse($('order').value);
  const socket = io('/security/orders', ONCE);
  open = socket;
  const answer = await socket.emitWithAck('order', order);
  say('orders', JSON.stringify(answer), answer.error ? 'bad' : 'good');
  socket.close();
});

// ---- How fast? ----

onClick('[data-burst]', 'flood', ({ burst }) => {
  const count = Number(burst);
  const socket = new WebSocket(wsUrl('flood'));
  open = socket;
  let began = 0;
  let came = 0;
  socket.onopen = () => {
    say('flood', `sending ${count} messages`);
    began = performance.now();
    for (let i = 1; i <= count; ++i) socket.send(`message ${i}`);
  };
  // Each comes back when it was read. One more shows how long reading stands still.
  socket.onmessage = () => {
    ++came;
    if (came === count) socket.send('one more');
    if (came <= count) return;
    say('flood', `one more was read ${((performance.now() - began) / 1_000).toFixed(1)} seconds after the first`, 'good');
    socket.close();
  };
  socket.onclose = (event) => {
    if (!isOurs(event)) say('flood', `closed with ${event.code} ${event.reason}, after ${came} messages`, 'bad');
  };
});
