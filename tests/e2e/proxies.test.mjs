// Behind nginx, HAProxy, Caddy and hitch, with the configurations of docs/guide/code/proxies: pages in
// Chromium, polling, upgrade and WebSocket, health checks, and whose address the application sees.
// Needs WEFT_BIN, PROXIED_APP_BIN, nginx and HAProxy; Caddy and hitch are tried if they are there.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { io } from 'socket.io-client';
import { Certificate, Client, freePort, Server, startProxy } from './support.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const CONFIGS = new URL('../../docs/guide/code/proxies/', import.meta.url);
const PATIENCE = 15_000;
const limit = { timeout: 60_000 };

let certificate;
let folder;
let pem;  // certificate and key in one file
let browser;

/// A configuration of the guide with other ports and files. Each text must be there.
function config(name, changes) {
  let text = readFileSync(new URL(name, CONFIGS), 'utf8');
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), `${name} has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

function write(name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function startNginx(upstream) {
  const port = await freePort();
  const site = write('site.conf', config('nginx.conf', [
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`], ['example.org;', 'localhost;'],
    ['/etc/ssl/example.org.pem', certificate.cert], ['/etc/ssl/example.org.key', certificate.key],
    ['127.0.0.1:8080', `127.0.0.1:${upstream}`]]));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ');
  const main = write('nginx.conf', `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr warn;
    events {} http { access_log off; ${temporary} include ${site}; }`);
  return startProxy(port, '/usr/sbin/nginx', ['-c', main, '-p', folder, '-e', 'stderr']);
}

async function startHaproxy(name, changes) {
  const port = await freePort();
  const path = write('haproxy.cfg', config(name, [[':443', `127.0.0.1:${port}`], ...changes]));
  return startProxy(port, '/usr/sbin/haproxy', ['-db', '-f', path]);
}
const startHaproxyHttp = (upstream) => startHaproxy('haproxy.cfg', [
  ['/etc/haproxy/example.org.pem', pem], ['127.0.0.1:8080 check', `127.0.0.1:${upstream} check inter 200`]]);
const startHaproxyTcp = (upstream, version) => startHaproxy('haproxy_tcp.cfg', [
  ['127.0.0.1:8080 send-proxy-v2 check', `127.0.0.1:${upstream} ${version} check inter 200`]]);

const startApp = (...args) => Server.startProgram(process.env.PROXIED_APP_BIN, args);
const trusting = (...args) => startApp('--trust', '127.0.0.1', ...args);

/// Not that of the proxies, which is 127.0.0.1.
const CLIENT = '127.0.0.9';
function fetchFrom(url, { headers = {}, method = 'GET', body, from = CLIENT } = {}) {
  const { request } = url.startsWith('https') ? https : http;
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, method, localAddress: from, ca: certificate.pem, agent: false, checkServerIdentity: () => undefined }, (answer) => {
      let text = '';
      answer.on('data', (data) => { text += data; });
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

async function websocketSays(url, options = {}) {
  const client = await Client.open(`${url}/ws`, { ca: certificate.pem, localAddress: CLIENT, ...options });
  const { data } = await client.next();
  await client.close();
  return data.toString();
}

async function status(promise) {
  try { await promise; return 101; } catch (error) { return Number(/server response: (\d+)/.exec(error.message)?.[1]); }
}

/// A page in Chromium: Socket.IO by polling, the first POST, the upgrade.
async function pageShows(url) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(url);
  await page.waitForFunction(() => ['polling', 'websocket'].every((id) => document.getElementById(id).textContent !== ''));
  const shown = await page.evaluate(() => ['polling', 'websocket'].map((id) => document.getElementById(id).textContent));
  await context.close();
  return shown;
}

before(async () => {
  assert.ok(process.env.PROXIED_APP_BIN, 'set PROXIED_APP_BIN');
  certificate = new Certificate();
  folder = mkdtempSync(join(tmpdir(), 'weft-proxies-'));
  pem = write('both.pem', certificate.pem + readFileSync(certificate.key));
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP demo.example 127.0.0.1'],
  });
});

after(async () => {
  await browser?.close();
  certificate?.remove();
  if (folder) rmSync(folder, { recursive: true });
});

// ---- HTTP proxies that end TLS ----

for (const [name, start] of [['nginx', startNginx], ['HAProxy', startHaproxyHttp]]) {
  test(`${name} ends TLS: pages, polling, upgrade and WebSocket, and the client's address`, limit, async () => {
    const app = await trusting();
    const proxy = await start(app.port);
    const url = `https://localhost:${proxy.port}`;
    const own = `https://127.0.0.1:${proxy.port}`;
    try {
      assert.deepEqual(await pageShows(url), ['127.0.0.1 https polling', '127.0.0.1 https websocket']);
      const who = await fetchFrom(`${own}/who`);
      assert.equal(who.text, `${CLIENT} https 127.0.0.1:${proxy.port}`);
      assert.equal(await websocketSays(own.replace('https', 'wss'), { origin: own }), `${CLIENT} https`);

      // What a client writes itself is worth nothing.
      const spoofed = { 'X-Forwarded-For': '192.0.2.66', 'X-Forwarded-Host': 'evil.com', 'X-Forwarded-Proto': 'http',
        Forwarded: 'for=192.0.2.66;host=evil.com;proto=http' };
      assert.equal((await fetchFrom(`${own}/who`, { headers: spoofed })).text, who.text);
      assert.equal(await websocketSays(own.replace('https', 'wss'), { headers: spoofed }), `${CLIENT} https`);

      for (const origin of ['https://evil.com', 'null', `http://127.0.0.1:${proxy.port}`, `https://127.0.0.1.evil.com:${proxy.port}`])
        assert.equal(await status(websocketSays(own.replace('https', 'wss'), { origin })), 403, origin);
      const foreign = await fetchFrom(`${own}/socket.io/?EIO=4&transport=polling`, { headers: { Origin: 'https://evil.com' } });
      assert.equal(foreign.status, 403);
    } finally {
      await proxy.stop();
      assert.equal(await app.stop(), 0);
    }
  });

  test(`${name} in front of a server that does not trust it: everything works, and the client is the proxy`, limit, async () => {
    const app = await startApp();
    const proxy = await start(app.port);
    const own = `https://127.0.0.1:${proxy.port}`;
    try {
      assert.deepEqual(await pageShows(`https://localhost:${proxy.port}`), ['127.0.0.1 http polling', '127.0.0.1 http websocket']);
      assert.match((await fetchFrom(`${own}/who`)).text, /^127\.0\.0\.1 http /);
      assert.equal(await websocketSays(own.replace('https', 'wss'), { origin: own }), '127.0.0.1 http');
      assert.equal(await status(websocketSays(own.replace('https', 'wss'), { origin: 'https://evil.com' })), 403);
    } finally {
      await proxy.stop();
      assert.equal(await app.stop(), 0);
    }
  });
}

test('a client that is no proxy cannot pretend to be one', limit, async () => {
  const app = await startApp('--trust', '127.0.0.1');
  try {
    const headers = { 'X-Forwarded-For': '192.0.2.66', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'evil.com' };
    assert.equal((await fetchFrom(`${app.url}who`, { headers })).text, `${CLIENT} http 127.0.0.1:${app.port}`);
    assert.equal((await fetchFrom(`${app.url}who`, { headers, from: '127.0.0.1' })).text, '192.0.2.66 https evil.com');
    assert.equal(await status(websocketSays(`ws://127.0.0.1:${app.port}`, { headers, origin: 'https://evil.com' })), 403);
  } finally {
    assert.equal(await app.stop(), 0);
  }
});

test('Socket.IO of Node goes through nginx by each transport', limit, async () => {
  const app = await trusting();
  const proxy = await startNginx(app.port);
  try {
    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
      const socket = io(`https://localhost:${proxy.port}`, { transports, ca: certificate.pem, forceNew: true, reconnection: false });
      const [who] = await new Promise((resolve, reject) => {
        socket.once('who', (...all) => resolve(all));
        socket.once('connect_error', reject);
      });
      assert.equal(who, '127.0.0.1 https');
      assert.equal(await socket.emitWithAck('ask'), who);
      socket.disconnect();
    }
  } finally {
    await proxy.stop();
    assert.equal(await app.stop(), 0);
  }
});

test('Caddy, which needs no settings', limit, async () => {
  const app = await trusting();
  const port = await freePort();
  const path = write('Caddyfile', `{\n  admin off\n  auto_https off\n  storage file_system ${folder}/caddy\n}\n`
    + config('Caddyfile', [['example.org {', `https://localhost:${port}, https://127.0.0.1:${port} {\n  bind 127.0.0.1\n  tls ${certificate.cert} ${certificate.key}`],
      ['127.0.0.1:8080', `127.0.0.1:${app.port}`]]));
  const proxy = await startProxy(port, '/usr/bin/caddy', ['run', '--config', path, '--adapter', 'caddyfile'],
    { env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder } });
  const own = `https://127.0.0.1:${port}`;
  try {
    assert.deepEqual(await pageShows(`https://localhost:${port}`), ['127.0.0.1 https polling', '127.0.0.1 https websocket']);
    assert.equal((await fetchFrom(`${own}/who`)).text, `${CLIENT} https 127.0.0.1:${port}`);
    assert.equal(await websocketSays(own.replace('https', 'wss'), { origin: own }), `${CLIENT} https`);
    assert.equal((await fetchFrom(`${own}/who`, { headers: { 'X-Forwarded-For': '192.0.2.66' } })).text, `${CLIENT} https 127.0.0.1:${port}`);
  } finally {
    await proxy.stop();
    assert.equal(await app.stop(), 0);
  }
});

// ---- The PROXY protocol ----

for (const version of ['send-proxy', 'send-proxy-v2']) {
  for (const tls of [false, true]) {
    test(`HAProxy passes bytes with ${version}${tls ? ' and TLS' : ''}: the application sees the client`, limit, async () => {
      const app = await trusting('--proxy-protocol', ...(tls ? ['--tls', certificate.cert, certificate.key] : []));
      const proxy = await startHaproxyTcp(app.port, version);
      const scheme = tls ? 'https' : 'http';
      const own = `${scheme}://127.0.0.1:${proxy.port}`;
      try {
        assert.equal((await fetchFrom(`${own}/who`)).text, `${CLIENT} ${scheme} 127.0.0.1:${proxy.port}`);
        assert.equal(await websocketSays(own.replace('http', 'ws'), { origin: own }), `${CLIENT} ${scheme}`);
        assert.deepEqual(await pageShows(`${scheme}://localhost:${proxy.port}`),
          [`127.0.0.1 ${scheme} polling`, `127.0.0.1 ${scheme} websocket`]);
        await sleep(1000);  // some health checks
        assert.doesNotMatch(proxy.log(), /is DOWN/);
        // Nobody reaches it without the header.
        await assert.rejects(fetchFrom(`${scheme}://127.0.0.1:${app.port}/who`));
      } finally {
        await proxy.stop();
        assert.equal(await app.stop(), 0);
      }
    });
  }
}

test('a listener with PROXY protocol refuses who is no trusted proxy', limit, async () => {
  const app = await startApp('--trust', '127.0.0.1', '--proxy-protocol');
  const answer = async (from) => {
    const socket = net.connect({ port: app.port, host: '127.0.0.1', localAddress: from });
    socket.on('error', () => {});  // a reset is an end as well
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(`PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\nGET /who HTTP/1.0\r\nHost: localhost\r\n\r\n`);
    let text = '';
    socket.on('data', (data) => { text += data; });
    await closed;
    return text;
  };
  try {
    assert.match(await answer('127.0.0.1'), /\r\n\r\n192\.0\.2\.7 http localhost$/);
    assert.equal(await answer(CLIENT), '');
  } finally {
    assert.equal(await app.stop(), 0);
  }
});

test('hitch ends TLS and sends the PROXY header', limit, async () => {
  const app = await trusting('--proxy-protocol');
  const port = await freePort();
  const proxy = await startProxy(port, '/usr/sbin/hitch', [`--frontend=[127.0.0.1]:${port}`, `--backend=[127.0.0.1]:${app.port}`,
    '--write-proxy-v2', '--workers=1', ...(process.getuid() === 0 ? ['--user=nobody'] : []), pem]);
  const own = `https://127.0.0.1:${port}`;
  try {
    assert.equal((await fetchFrom(`${own}/who`)).text, `${CLIENT} http 127.0.0.1:${port}`);
    assert.equal(await websocketSays(own.replace('https', 'wss'), { origin: own }), `${CLIENT} http`);
  } finally {
    await proxy.stop();
    assert.equal(await app.stop(), 0);
  }
});

// ---- Limits per client ----

const FORGED = ['192.0.2.66', '127.0.0.1', '192.0.2.67, 127.0.0.3'].map((address) => ({
  'X-Forwarded-For': address, 'X-Real-IP': address, Forwarded: `for=${address.split(',')[0]}`,
}));
for (const [name, start, scheme, flags] of [
  ['nginx', startNginx, 'wss', []],
  ['HAProxy', startHaproxyHttp, 'wss', []],
  ['HAProxy with PROXY protocol', (upstream) => startHaproxyTcp(upstream, 'send-proxy-v2'), 'ws', ['--proxy-protocol']],
]) {
  test(`sec_h10 ${name}: each client has limits of its own, and headers that it writes gain nothing`, limit, async () => {
    const app = await trusting('--connections', '2', ...flags);
    const proxy = await start(app.port);
    const open = (localAddress, headers = {}) =>
      Client.open(`${scheme}://127.0.0.1:${proxy.port}/ws`, { ca: certificate.pem, localAddress, headers });
    const clients = [];
    try {
      for (const address of ['127.0.0.2', '127.0.0.3']) {
        for (const headers of [{}, FORGED[0]]) {
          const client = await open(address, headers);
          clients.push(client);
          assert.ok((await client.next()).data.toString().startsWith(`${address} `), 'the handler sees whose it is');
        }
        for (const headers of [{}, ...FORGED]) assert.equal(await status(open(address, headers)), 429);
      }
      assert.match(app.errors, /too many connections of one address: traffic\.per_address\.max_connections, from 127\.0\.0\.2/);
      assert.doesNotMatch(app.errors, /192\.0\.2\./);
      await clients[0].close();
      // The server notices a moment later that the proxy has gone too.
      for (const end = Date.now() + PATIENCE; Date.now() < end && await status(open('127.0.0.2').then((c) => clients.push(c))) !== 101;)
        await sleep(50);
      assert.equal(clients.length, 5);
    } finally {
      for (const client of clients) client.socket.terminate();
      await proxy.stop();
      assert.equal(await app.stop(), 0);
    }
  });
}

// ---- Health checks ----

test('`option httpchk` of HAProxy finds a loopback listener alive', limit, async () => {
  for (const args of [['serve'], ['demo'], ['echo']]) {
    const server = await Server.start(...args);
    const proxy = await startHaproxyHttp(server.port);
    try {
      await sleep(1000);
      assert.doesNotMatch(proxy.log(), /is DOWN/, args[0]);
      const alive = await fetchFrom(`https://localhost:${proxy.port}/`, { method: 'OPTIONS' });
      assert.equal(alive.status, 204, args[0]);
    } finally {
      await proxy.stop();
      assert.equal(await server.stop(), 0);
    }
  }
});

// ---- The program under a forwarded name ----

test('`weft demo` under a forwarded name says which flag it needs, and with it the pages work', limit, async () => {
  const closed = await Server.start('demo');
  const origin = (proxy) => `https://demo.example:${proxy.port}`;
  let proxy = await startNginx(closed.port);
  try {
    const refused = await fetchFrom(`https://127.0.0.1:${proxy.port}/`, { headers: { Host: 'demo.example' } });
    assert.equal(refused.status, 421);
    assert.match(refused.text, /'demo\.example'.*--public-origin https:\/\/demo\.example/);
  } finally {
    await proxy.stop();
    assert.equal(await closed.stop(), 0);
  }
  // The name of the tunnel is known before the server starts, its port here is not: so this way round.
  const port = await freePort();
  proxy = await startNginx(port);
  const open = await Server.startProgram(process.env.WEFT_BIN, ['demo', '--port', String(port), '--public-origin', origin(proxy)]);
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    for (const path of ['/', '/text.html']) {
      await page.goto(origin(proxy) + path);
      await page.locator('[data-testid="connection-state"][data-state="open"]').waitFor();
    }
    await context.close();
  } finally {
    await proxy.stop();
    assert.equal(await open.stop(), 0);
  }
});

// An http page has the port in its origin, which `Host $host` drops.
test('a public origin makes http pages at another port our own', limit, async () => {
  const at = await freePort();
  const headers = { Host: 'localhost', Origin: `http://localhost:${at}` };
  const tries = async (...args) => {
    const app = await startApp(...args);
    const { status: got } = await fetchFrom(`${app.url}socket.io/?EIO=4&transport=polling`, { headers });
    const ws = await status(websocketSays(`ws://127.0.0.1:${app.port}`, { headers: { Host: 'localhost' }, origin: headers.Origin }));
    assert.equal(await app.stop(), 0);
    return [got, ws];
  };
  assert.deepEqual(await tries(), [403, 403]);
  assert.deepEqual(await tries('--public-origin', headers.Origin), [200, 101]);
});
