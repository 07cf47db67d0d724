// Pages of other origins in Chromium: they get in by no way, with or without the cookies of the visitor, while
// the server's own page gets in by each. A recorder between browser and server sees what was really asked and
// answered. Needs DOORS_APP_BIN, playwright-core and a Chromium (CHROMIUM, or /usr/bin/chromium).

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SignJWT } from 'jose';
import { chromium } from 'playwright-core';
import { Server } from './support.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const secret = 'x'.repeat(48);
let server, recorder, profile, browser, token;
const client = readFileSync(new URL('node_modules/socket.io-client/dist/socket.io.js', import.meta.url));
const foreign = createServer(({ url }, answer) => {
  answer.setHeader('Content-Type', url === '/io.js' ? 'text/javascript' : 'text/html');
  answer.end(url === '/io.js' ? client : url === '/sandbox' ? '<iframe sandbox="allow-scripts allow-forms" src="/"></iframe>'
    : '<!doctype html><body><script src="/io.js"></script>');
});

/// Passes bytes on, and keeps the heads of requests, in their order, and the statuses of their answers.
class Recorder {
  static async to(port) {
    const recorder = new Recorder();
    recorder.requests = [];
    recorder.streams = new Set();
    recorder.listener = net.createServer((near) => {
      const far = net.connect(port, '127.0.0.1');
      const pair = { asked: 0, answered: '' };
      near.on('data', (data) => {
        if (recorder.page && data.toString('latin1').startsWith('GET /page ')) {
          near.end(`HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n${recorder.page}`);
          return;
        }
        const [head, method, path] = /^(GET|POST|OPTIONS) (\S+) HTTP\/1\.1\r\n[^]*?\r\n\r\n/.exec(data.toString('latin1')) ?? [];
        if (head) recorder.requests.push({ method, path, pair, nth: pair.asked++, cookie: /^cookie: (.*)$/im.exec(head)?.[1] ?? '' });
        far.write(data);
      });
      near.on('end', () => far.end());
      far.on('data', (data) => { pair.answered += data.toString('latin1'); });
      far.pipe(near);
      for (const end of [near, far]) end.on('error', () => { near.destroy(); far.destroy(); });
      near.on('close', () => { far.destroy(); recorder.streams.delete(near); });
      recorder.streams.add(near);
    });
    recorder.listener.listen(0, '127.0.0.1');
    await once(recorder.listener, 'listening');
    recorder.port = recorder.listener.address().port;
    return recorder;
  }
  /// Those after the first `past`.
  exchanges(past = 0) {
    return this.requests.slice(past).map(({ pair, nth, ...request }) =>
      ({ ...request, status: Number([...pair.answered.matchAll(/HTTP\/1\.1 (\d{3}) /g)][nth]?.[1]) }));
  }
  stop() { this.listener.close(); for (const near of this.streams) near.destroy(); }
}

/// Runs in a page: tries every way to the server, with `sid` of a session that the page knows, and tells what
/// it could read. A way that leads nowhere gives nothing.
async function tryEveryWay({ at, sid }) {
  const patience = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, 5000, 'nothing came'))]);
  const websocket = (path, protocols) => new Promise((done) => {
    const socket = new WebSocket(`ws://${at}${path}`, protocols ?? []);
    socket.onmessage = ({ data }) => { done(data); socket.close(); };
    socket.onclose = () => done('');
  });
  const ask = (path, options) => fetch(`http://${at}${path}`, options)
    .then((answer) => (answer.ok ? answer.text().then((text) => text || 'done') : ''), () => '');
  const events = (path, withCredentials) => new Promise((done) => {
    const source = new EventSource(`http://${at}${path}`, { withCredentials });
    source.onmessage = ({ data }) => { done(data); source.close(); };
    source.onerror = () => { done(''); source.close(); };
  });
  const client = (options) => new Promise((done) => {
    const socket = io(`http://${at}/`, { forceNew: true, reconnection: false, ...options });
    socket.on('welcome', () => { done('welcome'); socket.disconnect(); });
    socket.on('connect_error', () => done(''));
  });
  const script = (path) => new Promise((done) => {
    const tag = document.createElement('script');
    window.___eio = [(packet) => done(packet)];
    tag.src = `http://${at}${path}`;
    tag.onerror = () => done('');
    document.documentElement.append(tag);
  });
  const form = (path) => new Promise((done) => {
    document.body.insertAdjacentHTML('beforeend', `<iframe name="f"></iframe>
      <form target="f" method="post" enctype="text/plain" action="http://${at}${path}"><input name="x"></form>`);
    document.forms[0].submit();
    document.querySelector('iframe').onload = () => {
      try { if (frames.f.location.href !== 'about:blank') done(frames.f.document.body.textContent); } catch { done(''); }
    };
  });
  const poll = '/socket.io/?EIO=4&transport=polling';
  const known = `${poll}&sid=${sid}`;
  const ways = {
    'WebSocket': () => websocket('/ws'),
    'WebSocket with a subprotocol': () => websocket('/ws', ['doors.v1']),
    'WebSocket for members': () => websocket('/member-ws'),
    'Socket.IO over WebSocket': () => websocket('/socket.io/?EIO=4&transport=websocket'),
    'client of Socket.IO, WebSocket only': () => client({ transports: ['websocket'], withCredentials: true }),
    'client of Socket.IO, polling': () => client({ transports: ['polling'] }),
    'client of Socket.IO, polling with credentials': () => client({ transports: ['polling'], withCredentials: true }),
    'polling by a script': () => script(`${poll}&j=0`),
    'event stream': () => events('/events', false),
    'event stream with credentials': () => events('/events', true),
    'event stream for members': () => events('/members/events', true),
    'deed for members by a form': () => form('/members/act'),
  };
  for (const credentials of ['include', 'omit']) {
    const post = { credentials, method: 'POST', body: '420["say","foreign"]' };
    ways[`poll, ${credentials}`] = () => ask(poll, { credentials });
    ways[`poll without CORS, ${credentials}`] = () => ask(poll, { credentials, mode: 'no-cors' });
    ways[`known session, post, ${credentials}`] = () => ask(known, post);
    ways[`known session, poll, ${credentials}`] = () => ask(known, { credentials });
    ways[`known session, post without CORS, ${credentials}`] = () => ask(known, { ...post, mode: 'no-cors' });
    ways[`known session, poll without CORS, ${credentials}`] = () => ask(known, { credentials, mode: 'no-cors' });
    ways[`known session, with a preflight, ${credentials}`] = () => ask(known, { ...post, headers: { 'X-Own': '1' } });
  }
  ways['page for members'] = () => ask('/members/secret', { credentials: 'include' });
  ways['deed for members'] = () => ask('/members/act', { method: 'POST', credentials: 'include' });
  ways['deed for members without CORS'] = () => ask('/members/act', { method: 'POST', mode: 'no-cors', credentials: 'include' });
  ways['upgrade of a known session'] = () => new Promise((done) => {
    const socket = new WebSocket(`ws://${at}/socket.io/?EIO=4&transport=websocket&sid=${sid}`);
    socket.onopen = () => socket.send('2probe');
    socket.onmessage = ({ data }) => { done(data); socket.close(); };
    socket.onclose = () => done('');
  });
  const read = {};
  for (const [name, go] of Object.entries(ways)) read[name] = await patience(go());
  return read;
}

/// A session of the page by polling, connected to the main namespace.
async function openSession({ at }) {
  const poll = `http://${at}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(poll)).text()).slice(1));
  await fetch(`${poll}&sid=${sid}`, { method: 'POST', body: '40' });
  return sid;
}

/// Everything that waits for that session, up to the acknowledgement of an event of its own.
async function useSession({ at, sid }) {
  const url = `http://${at}/socket.io/?EIO=4&transport=polling&sid=${sid}`;
  await fetch(url, { method: 'POST', body: '421["say","own"]' });
  let all = '';
  while (!all.includes('431')) all += await (await fetch(url)).text();
  return all;
}

const metric = (text, name) => [...text.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\d+)$`, 'gm'))]
  .reduce((sum, [, value]) => sum + Number(value), 0);

/// Whom the handlers met, and how many sessions were opened. An open event stream is a route like others: what a
/// foreign page asks of it, it cannot read.
async function counted() {
  const direct = `http://127.0.0.1:${server.port}`;
  const { '/events': _, ...met } = await (await fetch(`${direct}/census`)).json();
  const metrics = await (await fetch(`${direct}/metrics`)).text();
  return { met, sessions: metric(metrics, 'weft_engineio_opened_total'), upgraded: metric(metrics, 'weft_engineio_upgrades_total') };
}

/// A browser of somebody who has been here: with a token in a cookie.
async function visitor(sameSite) {
  await browser.clearCookies();
  if (sameSite) {
    await browser.addCookies([{ name: 'token', value: token, domain: 'localhost', path: '/', sameSite, secure: sameSite === 'None' }]);
  }
  const page = await browser.newPage();
  await page.goto(`http://localhost:${recorder.port}/`);
  return page;
}

before(async () => {
  assert.ok(process.env.DOORS_APP_BIN, 'set DOORS_APP_BIN');
  server = await Server.startProgram(process.env.DOORS_APP_BIN, [secret]);
  recorder = await Recorder.to(server.port);
  foreign.listen(0, '127.0.0.1');
  await once(foreign, 'listening');
  token = await new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setIssuer('doors').setAudience('doors')
    .setSubject('ada').setIssuedAt().setExpirationTime('10m').sign(Buffer.from(secret));
  profile = mkdtempSync(join(tmpdir(), 'weft-e2e-'));
  // Without a profile Chromium blocks cookies of third parties.
  mkdirSync(join(profile, 'Default'));
  writeFileSync(join(profile, 'Default', 'Preferences'), '{"profile":{"cookie_controls_mode":0,"block_third_party_cookies":false}}');
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP *.example 127.0.0.1'],
  });
});

after(async () => {
  await browser?.close();
  rmSync(profile, { recursive: true });
  recorder?.stop();
  foreign.close();
  foreign.closeAllConnections();
});

const own = () => `localhost:${recorder.port}`;
test('the own page gets in by every way', { timeout: 60_000 }, async () => {
  const page = await visitor('Lax');
  const sid = await page.evaluate(openSession, { at: own() });
  const got = await page.evaluate(tryEveryWay, { at: own(), sid });
  for (const [way, read] of Object.entries(got)) assert.match(read, /^(?!nothing came)./, way);
  await page.close();
});

// Cookies do not know ports: a page of another port of localhost is of the same site.
const attacks = [
  { from: 'another port', host: 'localhost', cookie: 'Lax', sent: true },
  { from: 'another port, without a cookie', host: 'localhost', sent: false },
  { from: 'another host', host: '127.0.0.1', cookie: 'None', sent: true },
  { from: 'another host, with a lax cookie', host: '127.0.0.1', cookie: 'Lax', sent: false },
  { from: 'another site', host: 'evil.example', cookie: 'None', sent: true },
  { from: 'a sandbox', host: 'localhost', path: '/sandbox', cookie: 'None', sent: true, origin: 'null' },
];

for (const { from, host, path = '/', cookie, sent, origin } of attacks) {
  test(`sec_b1 sec_b2 a page from ${from} gets in nowhere`, { timeout: 60_000 }, async () => {
    const page = await visitor(cookie);
    const sid = await page.evaluate(openSession, { at: own() });
    const [before, already, told] = [await counted(), recorder.requests.length, server.errors.length];
    const attacker = await browser.newPage();
    const url = `http://${host}:${foreign.address().port}`;
    await attacker.goto(url + path);
    const got = await attacker.frames().at(-1).evaluate(tryEveryWay, { at: own(), sid });
    for (const [way, read] of Object.entries(got)) assert.equal(read, '', way);

    const asked = recorder.exchanges(already);
    assert.ok(asked.length >= Object.keys(got).length, 'an attack did not reach the server');
    for (const { method, path: asks, status } of asked) {
      if (asks !== '/events') assert.ok([401, 403].includes(status), `${method} ${asks}: ${status}`);
    }
    assert.equal(asked.some((one) => one.cookie.startsWith('token=')), sent, 'the cookie');
    assert.ok(server.errors.slice(told).includes(
      `Origin is neither that of its Host nor in origins: '${origin ?? url}', from 127.0.0.1`), 'the log');
    assert.deepEqual(await counted(), before);
    const read = await page.evaluate(useSession, { at: own(), sid });
    assert.ok(read.includes('42["welcome",1]') && !read.includes('foreign'), read);
    await attacker.close();
    await page.close();
  });
}

// A name whose address has become ours: for the browser the page is of our origin.
test('sec_b3 a page under another name of our address gets in nowhere', { timeout: 60_000 }, async () => {
  await visitor();
  const page = await browser.newPage();
  const at = `rebound.example:${recorder.port}`;
  recorder.page = `<!doctype html><body><script>${client}</script>`;  // from where the name led before
  await page.goto(`http://${at}/page`);
  const [before, already] = [await counted(), recorder.requests.length];
  const got = await page.evaluate(tryEveryWay, { at, sid: 'unknown' });
  for (const [way, read] of Object.entries(got)) {
    // A frame may show why it is refused.
    assert.ok(read === '' || read.includes('allowed_hosts'), `${way}: ${read}`);
  }
  const asked = recorder.exchanges(already);
  assert.ok(asked.length >= Object.keys(got).length, 'an attack did not reach the server');
  for (const { method, path, status } of asked) assert.equal(status, 421, `${method} ${path}`);
  assert.deepEqual(await counted(), before);
  await page.close();
});

test('the server ends well', async () => { assert.equal(await server.stop(), 0); });
