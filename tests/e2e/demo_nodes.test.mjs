// `weft demo --nodes` in Chromium: people on different nodes share one chat, one text and one market; a page kills the process
// that serves it and goes on with another one; in the end nothing is left. Needs WEFT_BIN, redis-server, playwright-core and a
// Chromium (CHROMIUM, or /usr/bin/chromium).

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const WEFT_BIN = process.env.WEFT_BIN;
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const PATIENCE = 20_000;

let browser;

/// The demo in a TMPDIR of its own.
class Demo {
  static async start() {
    const demo = new Demo();
    demo.folder = mkdtempSync(join(tmpdir(), 'weft-nodes-'));
    demo.child = spawn(WEFT_BIN, ['demo', '--nodes', '3', '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: demo.folder } });
    demo.errors = '';
    demo.child.stderr.on('data', (text) => { demo.errors += text; });
    demo.exited = once(demo.child, 'exit');
    demo.urls = [];
    for await (const line of createInterface({ input: demo.child.stdout })) {
      demo.urls.push(/ on (http:\/\/127\.0\.0\.1:\d+\/)$/.exec(line)?.[1]);
      if (demo.urls.length === 3) break;
    }
    assert.equal(demo.urls.filter(Boolean).length, 3, `unexpected lines; ${demo.errors}`);
    return demo;
  }

  /// The processes that it started, and those of them that are left.
  children() {
    return execFileSync('ps', ['-o', 'pid=', '--ppid', String(this.child.pid)], { encoding: 'utf8' }).split('\n').map(Number).filter(Boolean);
  }

  /// Until so many nodes have somebody in the first room, and Redis knows.
  async listeners(count) {
    const redis = net.connect(join(this.folder, readdirSync(this.folder)[0], 'redis'));
    const replies = createInterface({ input: redis })[Symbol.asyncIterator]();
    for (let seen; seen !== `:${count}`;) {
      redis.write('PUBSUB NUMSUB socket.io#topic#room:lobby\r\n');
      for (let i = 0; i < 4; ++i) seen = (await replies.next()).value;
    }
    redis.destroy();
  }

  /// Until every node that was killed is back.
  async complete() {
    const count = (words) => this.errors.split(words).length;
    while (count('has ended') !== count('is back')) await once(this.child.stderr, 'data', { signal: AbortSignal.timeout(PATIENCE) });
  }

  remove() {
    this.child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true });
  }
}

function exists(pid) {
  try { process.kill(pid, 0); return true; } catch { return false; }
}

const by = (page, id) => page.locator(`[data-testid="${id}"]`);
const live = (page) => page.locator('[data-testid="connection-state"][data-state="open"]').waitFor();
const onNode = (page, n) => by(page, 'node').filter({ hasText: `Node ${n} of 3` }).waitFor();
const hears = (page, text) => by(page, 'message-list').locator('.message:not(.mine)', { hasText: text }).last().waitFor();
const reads = (page, text) => page.waitForFunction((expected) => document.querySelector('#text').value === expected, text, { timeout: PATIENCE });

async function visit(url) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  page.setDefaultTimeout(PATIENCE);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  page.on('console', (message) => {
    const gone = /WebSocket connection to|ERR_CONNECTION_|ERR_EMPTY_RESPONSE|CORS policy/.test(message.text());  // of a killed node
    if (message.type() === 'error' && !gone) page.problems.push(message.text());
  });
  await page.goto(url);
  await live(page);
  return page;
}

async function say(page, text) {
  await by(page, 'message-input').fill(text);
  await by(page, 'send-button').click();
}

async function kill(page) {
  const gone = page.locator('[data-testid="connection-state"]:not([data-state="open"])').waitFor();
  await by(page, 'kill-button').click();
  await gone;
  await live(page);
}

before(async () => {
  assert.ok(WEFT_BIN, 'set WEFT_BIN to the weft program');
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});
after(() => browser?.close());

test('one demo of three processes', { timeout: 150_000 }, async (t) => {
  const demo = await Demo.start();
  t.after(() => demo.remove());
  const [first, second, third] = demo.urls;

  await t.test('people on two nodes chat, also after one node is killed', async () => {
    const [ada, bob] = [await visit(first), await visit(second)];
    await Promise.all([onNode(ada, 1), onNode(bob, 2)]);
    await demo.listeners(2);
    await say(ada, 'hello from one');
    await hears(bob, 'hello from one');
    await say(bob, 'hello from two');
    await hears(ada, 'hello from two');
    await kill(bob);
    await onNode(bob, 3);
    await demo.listeners(2);
    await say(bob, 'hello from three');
    await hears(ada, 'hello from three');
    await say(ada, 'still one');
    await hears(bob, 'still one');
    assert.match(demo.errors, /node 2 has ended \(signal 9\)/);
    const eve = await visit(second + '#lobby').catch(() => null);
    assert.equal(eve, null, 'nobody answers for it meanwhile');
    await demo.complete();
    const dan = await visit(second);
    await demo.listeners(3);
    await say(dan, 'two is back');
    await Promise.all([hears(ada, 'two is back'), hears(bob, 'two is back')]);
    assert.deepEqual([...ada.problems, ...bob.problems, ...dan.problems], []);
  });

  await t.test('they write one text, which a node that starts anew gets from the others', async () => {
    const [ada, bob] = [await visit(`${first}text.html`), await visit(`${third}text.html`)];
    await by(ada, 'people').filter({ hasText: '2 here' }).waitFor();
    await by(ada, 'text').pressSequentially('warp');
    await reads(bob, 'warp');
    await by(bob, 'text').press('End');
    await by(bob, 'text').pressSequentially(' and weft');
    await reads(ada, 'warp and weft');
    await kill(bob);
    await reads(bob, 'warp and weft');
    await demo.complete();
    const eve = await visit(`${third}text.html`);
    await reads(eve, 'warp and weft');
    await by(eve, 'text').press('Home');
    await by(eve, 'text').pressSequentially('> ');
    await Promise.all([ada, bob].map((page) => reads(page, '> warp and weft')));
    assert.deepEqual([...ada.problems, ...bob.problems, ...eve.problems], []);
  });

  await t.test('there is one market', async () => {
    const pages = [await visit(`${first}ticker.html`), await visit(`${second}ticker.html`)];
    const rate = /^3[0-4] quotes per second$/;  // 8 x 4, however many nodes there are
    for (const page of pages) await by(page, 'rate').filter({ hasText: rate }).waitFor();
    // Both show the same prices: read in one page until the other one has shown them as well.
    const prices = (page) => page.locator('[data-testid="quotes"] tr td:nth-child(3)').allTextContents();
    const seen = new Set();
    for (let i = 0; ; ++i) {
      seen.add((await prices(pages[0])).join());
      if (seen.has((await prices(pages[1])).join())) break;
      assert.ok(i < 1000, 'the prices differ');
    }
    await kill(pages[1]);
    await by(pages[1], 'rate').filter({ hasText: rate }).waitFor();
    await demo.complete();
    assert.deepEqual(pages.flatMap((page) => page.problems), []);
  });

  await t.test('no other page can kill a node', async () => {
    for (const headers of [{}, { origin: 'http://evil.example' }, { origin: 'null' }, { origin: first.slice(0, -1) + '0' }]) {
      const answer = await fetch(`${first}kill`, { method: 'POST', headers });
      assert.equal(answer.status, 403);
    }
    assert.equal((await fetch(`${first}kill`)).status, 405);
    assert.equal((await fetch(`${first}nodes`)).status, 200);
  });

  await t.test('Ctrl-C leaves no process and no folder behind', async () => {
    const children = demo.children();
    assert.equal(children.length, 4, 'Redis and three nodes');
    demo.child.kill('SIGINT');
    assert.deepEqual(await demo.exited, [0, null]);
    assert.deepEqual(children.filter(exists), []);
    assert.deepEqual(readdirSync(demo.folder), []);
  });
});

test('nothing outlives a parent that is killed', { timeout: 60_000 }, async (t) => {
  const demo = await Demo.start();
  t.after(() => demo.remove());
  const children = demo.children();
  demo.child.kill('SIGKILL');
  await demo.exited;
  const end = Date.now() + PATIENCE;
  while (children.some(exists)) assert.ok(Date.now() < end, 'they live on');
});

test('without redis-server it says what to install', () => {
  const told = (() => {
    try { return execFileSync(WEFT_BIN, ['demo', '--nodes', '2', '--port', '0'], { env: { PATH: '/nowhere' }, stdio: 'pipe' }); } catch (error) { return error; }
  })();
  assert.equal(told.status, 1);
  assert.match(String(told.stderr), /apt install redis-server/);
});
