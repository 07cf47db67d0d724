// examples/mixed_cluster in Chromium: one person comes by Node, one by Weft, and they are in one chat. Needs EXAMPLES_DIR,
// redis-server, playwright-core and a Chromium (CHROMIUM, or /usr/bin/chromium).

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { Redis } from './cluster_world.mjs';
import { Server } from './support.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const source = new URL('../../examples/mixed_cluster/', import.meta.url).pathname;
const by = (page, id) => page.locator(`[data-testid="${id}"]`);

test('people of both servers are in one chat', { timeout: 60_000 }, async (t) => {
  const redis = await Redis.start();
  t.after(() => redis.stop());
  // Where npm's packages are found.
  const folder = mkdtempSync(join(tmpdir(), 'weft-e2e-'));
  t.after(() => rmSync(folder, { recursive: true }));
  copyFileSync(join(source, 'server.mjs'), join(folder, 'server.mjs'));
  symlinkSync(new URL('node_modules', import.meta.url).pathname, join(folder, 'node_modules'));

  const args = [source, '0', String(redis.port)];
  const servers = {
    Node: await Server.startProgram(process.execPath, [join(folder, 'server.mjs'), ...args]),
    Weft: await Server.startProgram(join(process.env.EXAMPLES_DIR, 'weft_example_mixed_cluster'), args),
  };
  t.after(() => Promise.all(Object.values(servers).map((server) => server.stop())));
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  t.after(() => browser.close());

  const problems = [];
  async function come(name, by_) {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(servers[by_].url);
    await by(page, 'server').filter({ hasText: by_ }).waitFor();
    await say(page, name);
    return page;
  }
  async function say(page, text) {
    await by(page, 'text').fill(text);
    await by(page, 'text').press('Enter');
  }
  const hears = (page, text) => by(page, 'lines').getByText(text, { exact: true }).waitFor();

  const ada = await come('Ada', 'Node');
  await by(ada, 'people').filter({ hasText: /^Ada$/ }).waitFor();
  const bob = await come('Bob', 'Weft');
  for (const page of [ada, bob]) await by(page, 'people').filter({ hasText: /^Ada, Bob$/ }).waitFor();
  while (await redis.count('NUMSUB', 'socket.io#/#chat#') !== 1);  // Node listens to the pattern
  await say(ada, 'hello <b>Weft</b>');
  await hears(bob, 'Ada: hello <b>Weft</b>');
  await say(bob, 'hello Node');
  await Promise.all([ada, bob].map((page) => hears(page, 'Bob: hello Node')));
  const eve = await come('Eve', 'Node');
  for (const page of [ada, bob, eve]) await by(page, 'people').filter({ hasText: /^Ada, Bob, Eve$/ }).waitFor();
  assert.deepEqual(problems, []);
});
