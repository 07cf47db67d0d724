// The page on security of `weft demo` in Chromium: each of its trials, with what the page got and what
// the log and the counters say beside it. Needs WEFT_BIN, playwright-core and a Chromium (CHROMIUM, or /usr/bin/chromium).

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Server } from './support.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const PATIENCE = 30_000;

let server;
let browser;
let page;
const tokens = [];    // all that the login gave
const problems = [];  // of the pages, but for what they provoke

before(async () => {
  server = await Server.start('demo', '--log-level', 'debug');
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const context = await browser.newContext({ viewport: { width: 360, height: 700 } });
  page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    const provoked = /status of 401|WebSocket connection to|blocked by CORS policy|net::ERR_FAILED/;
    if (message.type() === 'error' && !provoked.test(message.text())) problems.push(message.text());
  });
  page.on('response', async (response) => {
    if (response.url().endsWith('/security/login') && response.ok()) tokens.push((await response.json()).token);
  });
  await page.goto(server.url);
  await page.getByRole('link', { name: 'Security' }).click();
  await page.locator('[data-testid="connection-state"][data-state="open"]').waitFor();
});

after(() => browser?.close());

const trial = (name) => page.locator(`[data-testid="${name}"]`);
const list = (name, of) => trial(name).locator(`[data-${of}] li`);
const shows = (name, of, text) => list(name, of).filter({ hasText: text }).first().waitFor();
const got = (name, text) => shows(name, 'said', text);
const logged = (name, text) => shows(name, 'lines', text);
const counted = (name, text) => shows(name, 'counters', text);
const press = (name, what) => trial(name).locator(`button${what}`).click();

/// What the page got since it was empty, in order. A trial that ended shows nothing any more.
const all = (name) => list(name, 'said').allTextContents();
const clear = (name) => trial(name).locator('[data-said]').evaluate((lines) => lines.replaceChildren());

test('without a token every door is closed, with one each is open', { timeout: 60_000 }, async () => {
  await press('login', '[data-door="route"]');
  await got('login', '401 a token is required');
  await logged('login', /info auth: no token .* at \/security\/me$/);
  await press('login', '[data-door="websocket"]');
  await got('login', /closed with 4001 the first message must be/);
  await press('login', '[data-door="socketio"]');
  await got('login', 'connect_error: a token is required');
  await logged('login', /socketio: a client was not let in: 'a token is required'.* at \/security\/members$/);
  await counted('login', 'weft_auth_errors_total{error="token_missing"} 3');
  await counted('login', 'weft_socketio_refused_total 1');

  await clear('login');
  await trial('login').locator('[data-testid="name"]').fill('<b>Ada</b>');
  await trial('login').locator('[data-testid="log-in"]').click();
  await trial('login').getByText('You have a token of <b>Ada</b>').waitFor();
  for (const [n, door] of ['route', 'websocket', 'socketio'].entries()) {
    await press('login', `[data-door="${door}"]`);
    await list('login', 'said').filter({ hasText: 'hello, <b>Ada</b>' }).nth(n).waitFor();
  }
  const lines = await all('login');
  assert.equal(lines[0], '200 hello, <b>Ada</b>');
  assert.match(lines[1], /^\{"type":"auth","ok":true,"expires_in":1[12]\d\}$/);
  await trial('login').locator('[data-testid="name"]').fill('Ada');
});

for (const [over, refusal, ending, counter] of [
  ['websocket', 'closed with 4001 token expired', 'closed with 4001 token expired', 'weft_ws_errors_total'],
  ['socketio', 'connect_error: token expired', 'disconnected: transport close', 'weft_engineio_errors_total'],
]) {
  test(`a token that has expired is refused, one that ends can be refreshed: ${over}`, { timeout: 90_000 }, async () => {
    await trial('expiry').locator(`input[value="${over}"]`).check();
    await press('expiry', '[data-token="old"]');
    await got('expiry', refusal);
    await logged('expiry', /auth: a token has expired, .* at \/security\/members$/);
    await counted('expiry', /token_expired"} [1-9]/);
    await clear('expiry');

    await press('expiry', '[data-token="ends"]');
    await got('expiry', /^hello, Ada$/);
    const notice = over === 'websocket' ? /^{"type":"auth","expires_in":[3-6]}$/ : /^token_expiring: [1-4]$/;
    await got('expiry', notice);
    await got('expiry', ending);
    await counted('expiry', `${counter}{error="identity_expired"} 1`);
    await clear('expiry');

    await press('expiry', '[data-token="refreshed"]');
    await got('expiry', notice);
    await got('expiry', over === 'websocket' ? /"ok":true,"expires_in":1[12]\d}/ : /^refresh_token: {"ok":true,"expires_in":1[12]\d}$/);
    await list('expiry', 'said').filter({ hasText: 'hello, Ada' }).nth(1).waitFor();
    // The first token has ended when one of the same age has.
    const witness = await page.context().newPage();
    await witness.goto(`${server.url}security.html`);
    await witness.locator(`[data-testid="expiry"] input[value="${over}"]`).check();
    await witness.locator('[data-testid="expiry"] [data-token="ends"]').click();
    await witness.locator('[data-testid="expiry"] [data-said] li', { hasText: ending }).waitFor({ timeout: PATIENCE });
    await witness.close();
    const lines = await all('expiry');
    assert.ok(!lines.some((line) => /closed|disconnected/.test(line)), lines.join('\n'));
  });
}

test('a page of another origin gets no connection', { timeout: 60_000 }, async () => {
  await trial('foreign').locator('[data-testid="foreign-button"]').click();
  const results = page.frameLocator('iframe').locator('[data-testid="got"] li');
  await results.filter({ hasText: 'WebSocket: closed with 1006 before it was open' }).waitFor();
  await results.filter({ hasText: 'Polling: Failed to fetch' }).waitFor();
  const foreign = new URL(await page.locator('iframe').getAttribute('src')).origin;
  assert.notEqual(foreign, new URL(server.url).origin);
  await logged('foreign', `warning ws: the request's Origin is neither that of its Host nor in origins: '${foreign}'`);
  await logged('foreign', `warning engineio: the request's Origin is neither that of its Host nor in origins or cors: '${foreign}'`);
  await counted('foreign', 'weft_ws_errors_total{error="origin_refused"} 1');
  await counted('foreign', 'weft_engineio_errors_total{error="origin_refused"} 1');
});

test('a message that breaks the schema is refused with its place and rule', { timeout: 60_000 }, async () => {
  const order = trial('orders').locator('[data-testid="order"]');
  await press('orders', '[data-order="websocket"]');
  await got('orders', '{"error":"invalid","path":"/price","rule":"exclusiveMinimum","kind":"number"}');
  await logged('orders', /ws: a message breaks the schema .*'\/price: exclusiveMinimum .* at \/security\/orders$/);
  await counted('orders', 'weft_schema_violations_total{rule="exclusiveMinimum"} 1');
  await press('orders', '[data-order="socketio"]');
  await got('orders', /"path":"\/0\/price","rule":"exclusiveMinimum"/);
  await counted('orders', 'weft_schema_violations_total{rule="exclusiveMinimum"} 2');
  await order.fill('{"symbol":"WEFT","side":"buy","price":1,"<b>":1}');
  await press('orders', '[data-order="websocket"]');
  await got('orders', /"rule":"additionalProperties"/);
  await order.fill('{"symbol":"WEFT","side":"buy","price":1}');
  await press('orders', '[data-order="websocket"]');
  await got('orders', /^taken$/);
  await press('orders', '[data-order="socketio"]');
  await got('orders', /^"taken"$/);
});

test('who sends too fast is not read from, and closed in the end', { timeout: 60_000 }, async () => {
  await press('flood', '[data-burst="100"]');
  await got('flood', /^one more was read ([3-9]|\d\d)\.\d seconds after the first$/);
  await counted('flood', /^weft_ws_throttled_total [1-9]/);
  assert.equal(await list('flood', 'lines').count(), 0, 'a pause is no refusal');
  await press('flood', '[data-burst="2000"]');
  await got('flood', /^closed with 1008 messages come faster than rate allows/);
  await logged('flood', /warning ws: messages come faster than rate allows, .* at \/security\/flood$/);
  await counted('flood', 'weft_ws_errors_total{error="too_fast"} 1');
});

/// The first event of the stream, as any client gets it.
const evidence = () => new Promise((resolve, reject) => {
  http.get(`${server.url}security/events`, (response) => {
    let text = '';
    response.on('data', (more) => {
      text += more;
      if (!text.includes('\n\n')) return;
      response.destroy();
      resolve(JSON.parse(/^data: (.*)$/m.exec(text)[1]));
    });
  }).on('error', reject);
});

test('no token is in the log, on the page or in its stream, which is bounded', { timeout: 60_000 }, async () => {
  assert.ok(tokens.length >= 5);
  for (let i = 0; i < 100; ++i) await fetch(`${server.url}security/me`);
  const seen = await evidence();
  assert.equal(seen.lines.length, 100);
  assert.match(server.errors, /at \/security\/members/);
  const texts = [server.errors, JSON.stringify(seen), await page.content()];
  for (const token of tokens) {
    for (const part of [token, ...token.split('.').slice(1)]) {
      assert.ok(texts.every((text) => !text.includes(part)));
    }
  }
});

test('nobody can publish into the stream by the topics of the chat', { timeout: 30_000 }, async () => {
  const said = await page.evaluate(() => new Promise((resolve) => {
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws`);
    socket.onopen = () => socket.send(JSON.stringify({ type: 'publish', id: 1, topic: '\u0001security', data: {} }));
    socket.onmessage = ({ data }) => { socket.close(); resolve(data); };
  }));
  assert.equal(JSON.parse(said).code, 'bad_topic');
});

test('the page fits a phone, and had no errors of its own', async () => {
  assert.ok(await page.evaluate(() => document.scrollingElement.scrollWidth === innerWidth));
  assert.deepEqual(problems, []);
});

test('the demo ends with its foreign page and its open streams', { timeout: 30_000 }, async () => {
  assert.equal(await server.stop(), 0);
});
