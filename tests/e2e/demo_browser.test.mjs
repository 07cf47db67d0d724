// The pages of `weft demo` in Chromium: two people chat, write one text and look at the ticker, and go
// on after the server was restarted under them. Needs WEFT_BIN, playwright-core and a Chromium (CHROMIUM, or /usr/bin/chromium).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const WEFT_BIN = process.env.WEFT_BIN;
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const PATIENCE = 15_000;

let server;
let browser;
let url;

async function startDemo(port) {
  const child = spawn(WEFT_BIN, ['demo', '--port', String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const exited = once(child, 'exit').then(([code]) => { throw new Error(`weft demo exited with ${code}`); });
  exited.catch(() => {});
  const [line] = await Promise.race([once(lines, 'line'), exited]);
  const found = /^listening on (http:\/\/127\.0\.0\.1:\d+\/)$/.exec(line);
  assert.ok(found, `unexpected first line: ${line}`);
  return { child, url: found[1] };
}

async function stopDemo() {
  const { child } = server;
  if (child.exitCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await exited;
  return code;
}

const by = (page, id) => page.locator(`[data-testid="${id}"]`);

// A person with a browser profile of their own.
async function visit(path = '', viewport = { width: 1280, height: 800 }) {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => {
    const refused = /WebSocket connection to|ERR_CONNECTION_REFUSED/.test(message.text()); // expected while restarting
    if (message.type() === 'error' && !refused) page.problems.push(message.text());
  });
  await page.goto(url + path);
  await live(page);
  return page;
}

const live = (page) => page.locator('[data-testid="connection-state"][data-state="open"]').waitFor();
const lost = (page) => page.locator('[data-testid="connection-state"]:not([data-state="open"])').waitFor();
const nothingBeside = (page) => page.evaluate(() => document.scrollingElement.scrollWidth === innerWidth);
const present = (page, n) => by(page, 'presence-count').filter({ hasText: `${n} here` }).waitFor();
const hears = (page, text) => by(page, 'message-list').locator('.message:not(.mine)', { hasText: text }).last().waitFor();
const room = (page, name) => by(page, 'room-list').locator(`[data-room="${name}"]`);

async function call(page, name) {
  await by(page, 'name-input').fill(name);
  await by(page, 'name-input').press('Enter');
}

async function say(page, text) {
  await by(page, 'message-input').fill(text);
  await by(page, 'send-button').click();
}

const delivered = (page, text) =>
  by(page, 'message-list').locator('.message.mine[data-state="sent"]', { hasText: text }).waitFor();

before(async () => {
  assert.ok(WEFT_BIN, 'set WEFT_BIN to the weft program');
  server = await startDemo(0);
  url = server.url;
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});

after(async () => {
  await browser?.close();
  if (server) await stopDemo();
});

test('two people chat, move between rooms and survive a restart', { timeout: 120_000 }, async (t) => {
  const ada = await visit();
  const bob = await visit();

  await t.test('they see each other arrive', async () => {
    await present(ada, 2);
    await present(bob, 2);
  });

  await t.test('messages arrive with the name, as text and not as markup', async () => {
    await call(ada, 'Ada');
    await call(bob, 'Bob');
    await say(ada, 'hello <b>Bob</b>');
    await hears(bob, 'hello <b>Bob</b>');
    await delivered(ada, 'hello <b>Bob</b>');
    assert.equal(await by(bob, 'message-list').locator('.who b').last().textContent(), 'Ada');
    await say(bob, 'hello Ada');
    await hears(ada, 'hello Ada');
    assert.equal(await by(ada, 'message-list').locator('.message').count(), 2);
  });

  await t.test('a message in another room is marked unread', async () => {
    await by(bob, 'room-input').fill('Loom Room');
    await by(bob, 'room-input').press('Enter');
    await present(bob, 1);
    await say(ada, 'where are you?');
    await room(bob, 'lobby').locator('.badge', { hasText: '1' }).waitFor();
    await room(bob, 'lobby').click();
    await hears(bob, 'where are you?');
    assert.equal(await room(bob, 'lobby').locator('.badge').count(), 0);
  });

  await t.test('a dropped connection comes back by itself', async () => {
    await bob.locator('#drop-button').click();
    await by(bob, 'reconnect-count').filter({ hasText: '1' }).waitFor();
    await live(bob);
    await present(ada, 2);
  });

  await t.test('the pages reconnect to a restarted server and send what was typed meanwhile', async () => {
    assert.equal(await stopDemo(), 0);
    await lost(ada);
    await ada.locator('#notice').waitFor();
    await say(ada, 'typed while you were away');
    await by(ada, 'message-list').locator('[data-state="pending"]').waitFor();
    server = await startDemo(new URL(url).port);
    assert.equal(server.url, url);
    await Promise.all([live(ada), live(bob)]);
    await delivered(ada, 'typed while you were away');
    await Promise.all([present(ada, 2), present(bob, 2)]);
    await say(bob, 'back again');
    await hears(ada, 'back again');
    await say(ada, 'so am I');
    await hears(bob, 'so am I');
    assert.equal(await by(bob, 'message-list').locator('.who b').last().textContent(), 'Ada');
  });

  await t.test('a narrow phone has no sideways scrolling', async () => {
    await bob.setViewportSize({ width: 360, height: 700 });
    await say(ada, 'w'.repeat(400));
    await hears(bob, 'w'.repeat(400));
    assert.ok(await nothingBeside(bob));
    assert.equal(await bob.evaluate(() => document.querySelector('#scroll').scrollWidth), 360);
  });

  assert.deepEqual([...ada.problems, ...bob.problems], []);
});

const reads = (page, text) =>
  page.waitForFunction((expected) => document.querySelector('#text').value === expected, text, { timeout: PATIENCE });
const saved = (page) => by(page, 'saved').filter({ hasText: /^Saved$/ }).waitFor();

test('two people write one text', { timeout: 120_000 }, async (t) => {
  const ada = await visit('text.html');
  const bob = await visit('text.html', { width: 360, height: 700 });
  const [adasText, bobsText] = [by(ada, 'text'), by(bob, 'text')];

  await t.test('each sees what the other writes, and the caret stays where it was', async () => {
    await by(ada, 'people').filter({ hasText: '2 here' }).waitFor();
    await adasText.pressSequentially('warp');
    await reads(bob, 'warp');
    await bobsText.press('End');
    await bobsText.pressSequentially(' and weft 🧵');
    await reads(ada, 'warp and weft 🧵');
    assert.equal(await adasText.evaluate((area) => area.selectionStart), 4);
    await adasText.press('Home');
    await adasText.pressSequentially('<b>The</b> ');
    await reads(bob, '<b>The</b> warp and weft 🧵');
    await Promise.all([saved(ada), saved(bob)]);
  });

  await t.test('undo takes back what this person wrote only', async () => {
    const often = async (key) => { for (let i = 0; i < 20; ++i) await adasText.press(key); };
    await often('Control+z');
    await reads(bob, ' and weft 🧵');
    await often('Control+y');
    await reads(bob, '<b>The</b> warp and weft 🧵');
  });

  await t.test('what both wrote while the server was away is merged', async () => {
    assert.equal(await stopDemo(), 0);
    await Promise.all([lost(ada), lost(bob)]);
    await ada.locator('#notice').waitFor();
    await adasText.press('Home');
    await adasText.pressSequentially('A: ');
    await bobsText.press('End');
    await bobsText.pressSequentially(' :B');
    await by(bob, 'saved').filter({ hasText: 'Kept here' }).waitFor();
    server = await startDemo(new URL(url).port);
    await Promise.all([live(ada), live(bob)]);
    await Promise.all([ada, bob].map((page) => reads(page, 'A: <b>The</b> warp and weft 🧵 :B')));
    await Promise.all([saved(ada), saved(bob)]);
    const eve = await visit('text.html');
    await reads(eve, 'A: <b>The</b> warp and weft 🧵 :B');
    await by(ada, 'people').filter({ hasText: '3 here' }).waitFor();
    await eve.context().close();
    // Who vanishes between two polls is missed at the ping: the next one, and the time for its answer.
    await by(ada, 'people').filter({ hasText: '2 here' }).waitFor({ timeout: 60_000 });
    assert.ok(await nothingBeside(bob));
  });

  assert.deepEqual([...ada.problems, ...bob.problems], []);
});

test('the ticker ticks, for what is watched', { timeout: 60_000 }, async () => {
  const page = await visit('ticker.html', { width: 360, height: 700 });
  const price = (symbol) => page.locator(`[data-symbol="${symbol}"] td`).nth(1);
  const changes = async (symbol) => {
    const before = await price(symbol).textContent();
    await price(symbol).filter({ hasNotText: before }).waitFor();
  };
  await price('WEFT').filter({ hasText: /^\d+\.\d\d$/ }).waitFor();
  assert.equal(await page.locator('[data-testid="quotes"] tr').count(), 8);
  await changes('WEFT');
  await by(page, 'rate').filter({ hasText: /^[1-9]\d* quotes per second$/ }).waitFor();
  await page.getByLabel('Watch WOOL').uncheck();
  await by(page, 'rate').filter({ hasText: /^2[0-9] quotes per second$/ }).waitFor();  // 7 x 4
  const still = await price('WOOL').textContent();
  await changes('WEFT');
  await changes('WEFT');
  assert.equal(await price('WOOL').textContent(), still);

  assert.equal(await stopDemo(), 0);
  await lost(page);
  server = await startDemo(new URL(url).port);
  await live(page);
  await changes('WEFT');
  assert.equal(await price('WOOL').textContent(), still);
  assert.ok(await nothingBeside(page));
  assert.deepEqual(page.problems, []);
});
