// The pages of the examples in Chromium: the one of the tutorial does what the tutorial says, also after its server was
// restarted; the others connect and show what they are for. Needs EXAMPLES_DIR, playwright-core and a Chromium.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Server } from './support.mjs';

const sources = new URL('../../examples/', import.meta.url).pathname;
const program = (name) => join(process.env.EXAMPLES_DIR, `weft_example_${name}`);

let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});
after(() => browser?.close());

async function visit(url) {
  const page = await browser.newPage({ viewport: { width: 360, height: 700 } });
  page.setDefaultTimeout(15_000);
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  await page.goto(url);
  await page.locator('#state', { hasText: /^Connected/ }).waitFor();
  return page;
}

const fits = (page) => page.evaluate(() => document.scrollingElement.scrollWidth === innerWidth);

test('chat', { timeout: 60_000 }, async (t) => {
  let server = await Server.startProgram(program('chat'), [`${sources}chat`, '0']);
  t.after(() => server.stop());
  const [ada, bob] = [await visit(server.url), await visit(server.url)];
  const line = (page, text) => page.locator('#lines p').getByText(text, { exact: true }).last().waitFor();
  const here = (page) => page.locator('#people', { hasText: /^(Ada, Bob <i>|Bob <i>, Ada)$/ }).waitFor();
  const joinAs = async (page, name) => {
    await page.getByLabel('Your name').fill(name);
    await page.getByRole('button', { name: 'Join' }).click();
    await line(page, 'You are in lobby.');
  };
  await joinAs(ada, 'Ada');
  await joinAs(bob, 'Bob <i>');
  await line(ada, 'Bob <i> came in.');
  await here(ada);

  await ada.locator('#text').pressSequentially('hel');
  await bob.locator('#typing', { hasText: 'Ada typing' }).waitFor();
  await ada.locator('#text').fill('<b>hello</b>');
  await ada.getByRole('button', { name: 'Send' }).click();
  await line(ada, 'You: <b>hello</b>');
  await line(bob, 'Ada: <b>hello</b>');
  await bob.locator('#typing', { hasText: /^$/ }).waitFor();
  assert.ok(await fits(bob));

  const port = String(server.port);
  assert.equal(await server.stop(), 0);
  await ada.locator('#state', { hasText: 'reconnecting' }).waitFor();
  server = await Server.startProgram(program('chat'), [`${sources}chat`, port]);
  for (const page of [ada, bob]) await here(page);
  await bob.locator('#text').fill('back');
  await bob.locator('#text').press('Enter');
  await line(ada, 'Bob <i>: back');
  await bob.close();
  await line(ada, 'Bob <i> left.');
  assert.deepEqual(ada.problems, []);
});

test('ticker', { timeout: 60_000 }, async (t) => {
  const server = await Server.startProgram(program('ticker'), [`${sources}ticker`, '0']);
  t.after(() => server.stop());
  const page = await visit(server.url);
  const price = page.getByRole('row', { name: 'WEFT' }).getByRole('cell').first();
  const before = await price.textContent();
  await price.filter({ hasNotText: before }).waitFor();
  assert.ok(await fits(page));
  assert.deepEqual(page.problems, []);
});

test('collaborative text', { timeout: 60_000, skip: !existsSync(program('collaborative_text')) }, async (t) => {
  const server = await Server.startProgram(program('collaborative_text'), ['0']);
  t.after(() => server.stop());
  const [ada, bob] = [await visit(server.url), await visit(server.url)];
  await ada.locator('#text').fill('warp');
  await bob.waitForFunction(() => document.querySelector('#text').value === 'warp');
  await bob.locator('#state', { hasText: '2 writing' }).waitFor();
  assert.ok(await fits(ada));
  assert.deepEqual([...ada.problems, ...bob.problems], []);
});
