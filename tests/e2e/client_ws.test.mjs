// Our client against servers of npm `ws`. Needs CLIENT_PROBE_BIN and openssl.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { WebSocketServer } from 'ws';

const run = promisify(execFile);
const probe = async (...args) =>
  (await run(process.env.CLIENT_PROBE_BIN, args, { timeout: 30_000, maxBuffer: 1 << 24 })).stdout.replace(/\n$/, '').split('\n');

let folder;
const pem = (name) => join(folder, name);
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-client-'));
  const files = ['-keyout', pem('key.pem'), '-out', pem('cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', ...files], { stdio: 'ignore' });
});
after(() => rmSync(folder, { recursive: true }));

// An echo server on a free port; `act` may do something else with a connection.
async function serve(t, { tls = false, act, ...options } = {}) {
  const http = tls ? createHttps({ key: readFileSync(pem('key.pem')), cert: readFileSync(pem('cert.pem')) }) : createHttp();
  const server = new WebSocketServer({ server: http, maxPayload: 1 << 26, ...options });
  const seen = { extensions: null, closed: null, headers: null };
  server.on('connection', (socket, request) => {
    seen.extensions = socket.extensions;
    seen.headers = request.headers;
    seen.closed = new Promise((done) => socket.on('close', (code, reason) => done([code, String(reason)])));
    if (act) act(socket);
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  await new Promise((done) => http.listen(0, '127.0.0.1', done));
  t.after(() => { server.close(); http.closeAllConnections(); http.close(); });
  return { http, seen, url: `${tls ? 'wss://localhost' : 'ws://127.0.0.1'}:${http.address().port}/` };
}

const conversation = ['text:hello', `text:${'again '.repeat(200)}`, 'big:70000', 'big:8000000', 'close:4001'];
const expected = ['open ', 'text hello', `text ${'again '.repeat(200)}`, 'binary 70000 intact', 'binary 8000000 intact', 'close 4001 bye clean'];

for (const tls of [false, true]) {
  for (const deflate of [null, 'takeover', 'alone']) {
    test(`echo, ${tls ? 'TLS' : 'plain'}, deflate: ${deflate}`, async (t) => {
      const { seen, url } = await serve(t, { tls, perMessageDeflate: deflate !== null });
      const options = [...(tls ? ['--ca', pem('cert.pem')] : []), ...(deflate ? ['--deflate', deflate] : [])];
      assert.deepEqual(await probe(url, ...options, ...conversation), expected);
      assert.deepEqual(await seen.closed, [4001, 'bye']);
      assert.equal(seen.extensions, deflate ? 'permessage-deflate' : '');
    });
  }
}

// What our default offer meets at the one server that refuses what it cannot do with 400.
for (const settings of [
  {},
  { serverNoContextTakeover: true },
  { clientNoContextTakeover: true },
  { serverMaxWindowBits: 15 },
  { clientMaxWindowBits: true },
  { clientMaxWindowBits: 10 },
  { serverMaxWindowBits: 10, clientMaxWindowBits: 10 },
  { serverNoContextTakeover: false, clientNoContextTakeover: false, clientMaxWindowBits: 15 },
]) {
  test(`the default offer is taken by a server with ${JSON.stringify(settings)}`, async (t) => {
    const { seen, url } = await serve(t, { perMessageDeflate: { threshold: 0, ...settings } });
    assert.deepEqual(await probe(url, '--deflate', 'takeover', ...conversation), expected);
    assert.equal(seen.extensions, 'permessage-deflate');
  });
}

test('a certificate that nobody trusts is refused', async (t) => {
  const { url } = await serve(t, { tls: true });
  const [line] = await probe(url);
  assert.match(line, /^failure 0 .*certificate/i);
});

test('the close code and reason of the server arrive', async (t) => {
  const { url } = await serve(t, { act: (socket) => socket.close(4321, 'because') });
  assert.deepEqual(await probe(url), ['open ', 'close 4321 because clean']);
});

test('a server that vanishes is an abnormal end', async (t) => {
  const { url } = await serve(t, { act: (socket) => socket.terminate() });
  assert.deepEqual(await probe(url), ['open ', 'close 1006 ']);
});

test('a subprotocol is agreed on', async (t) => {
  const { url } = await serve(t);
  assert.deepEqual(await probe(url, '--subprotocol', 'chat', 'close:1000'), ['open chat', 'close 1000 bye clean']);
});

test('a refusal tells its status', async (t) => {
  const { url } = await serve(t, { verifyClient: (_, answer) => answer(false, 401) });
  assert.match((await probe(url))[0], /^failure 401 the server answered 401 Unauthorized/);
});

test('a redirect is followed and does not carry the password to another port', async (t) => {
  const { seen, url } = await serve(t);
  const door = createHttp();
  door.on('upgrade', (_, socket) => socket.end(`HTTP/1.1 307 There\r\nLocation: ${url}\r\nContent-Length: 0\r\n\r\n`));
  await new Promise((done) => door.listen(0, '127.0.0.1', done));
  t.after(() => door.close());
  const first = `ws://me:secret@127.0.0.1:${door.address().port}/`;
  assert.match((await probe(first))[0], /^failure 307/);
  assert.deepEqual(await probe(first, '--redirects', '1', 'close:1000'), ['open ', 'close 1000 bye clean']);
  assert.equal(seen.headers.authorization, undefined);
});

// A proxy as Node makes them: it knows nobody but ann, and notes where she wants to go.
async function serveProxy(t) {
  const asked = [];
  const proxy = createHttp();
  proxy.on('connect', (request, client, head) => {
    asked.push(request.url);
    client.on('error', () => client.destroy());
    if (request.headers['proxy-authorization'] !== `Basic ${btoa('ann:secret')}`) {
      return client.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
    }
    const [host, port] = request.url.split(':');
    const server = connect(port, host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      server.write(head);
      server.pipe(client).pipe(server);
    });
    server.on('error', () => client.destroy());
    client.on('close', () => server.destroy());
  });
  await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
  t.after(() => { proxy.closeAllConnections(); proxy.close(); });
  return { asked, at: `127.0.0.1:${proxy.address().port}` };
}

for (const tls of [false, true]) {
  test(`through a proxy, ${tls ? 'TLS' : 'plain'}`, async (t) => {
    const { url, http } = await serve(t, { tls });
    const proxy = await serveProxy(t);
    const options = ['--proxy', `http://ann:secret@${proxy.at}`, ...(tls ? ['--ca', pem('cert.pem')] : [])];
    assert.deepEqual(await probe(url, ...options, ...conversation), expected);
    assert.deepEqual(proxy.asked, [`${tls ? 'localhost' : '127.0.0.1'}:${http.address().port}`]);
  });
}

test('a proxy that refuses is named', async (t) => {
  const { url } = await serve(t);
  const proxy = await serveProxy(t);
  assert.match((await probe(url, '--proxy', `http://${proxy.at}`, 'text:x'))[0], /the proxy answered 407 to CONNECT/);
});
