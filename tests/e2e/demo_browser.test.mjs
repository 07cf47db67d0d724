// Two people chat through `weft demo` in Chromium, and again after the server was restarted under
// them. Needs WEFT_BIN, playwright-core and a Chromium (CHROMIUM, or /usr/bin/chromium).

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
async function visit() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => {
    const refused = message.text().includes('WebSocket connection to'); // expected while restarting
    if (message.type() === 'error' && !refused) page.problems.push(message.text());
  });
  await page.goto(url);
  await live(page);
  return page;
}

const live = (page) => page.locator('[data-testid="connection-state"][data-state="open"]').waitFor();
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
    await ada.locator('[data-testid="connection-state"]:not([data-state="open"])').waitFor();
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
    assert.equal(await bob.evaluate(() => document.scrollingElement.scrollWidth), 360);
    assert.equal(await bob.evaluate(() => document.querySelector('#scroll').scrollWidth), 360);
  });

  assert.deepEqual([...ada.problems, ...bob.problems], []);
});
