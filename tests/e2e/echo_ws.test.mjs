// `weft echo` against clients of the `ws` package, plain and with TLS and permessage-deflate, and
// against frames that no client would send.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Certificate, Client, Server, bytes, closedBy, frame, rawWebSocket } from './support.mjs';

const text = 0x1, binary = 0x2, continuation = 0x0, close = 0x8, ping = 0x9;
const mib = 1024 * 1024;
let certificate;

before(() => { certificate = new Certificate(); });
after(() => certificate.remove());

const kinds = [
  { name: 'plain', flags: () => [], deflate: false, scheme: 'ws:' },
  { name: 'TLS', flags: () => certificate.flags, deflate: false, scheme: 'wss:' },
  { name: 'deflate', flags: () => ['--deflate'], deflate: true, scheme: 'ws:' },
  { name: 'TLS and deflate', flags: () => [...certificate.flags, '--deflate'], deflate: true, scheme: 'wss:' },
];

for (const kind of kinds) {
  describe(kind.name, { timeout: 60_000 }, () => {
    let server;
    const open = (options) => Client.open(server.url, {
      perMessageDeflate: kind.deflate && { threshold: 0 }, ca: certificate.pem, ...options,
    });

    before(async () => {
      server = await Server.start('echo', '--max-message', String(16 * mib), ...kind.flags());
    });
    after(async () => assert.equal(await server.stop(), 0));

    test('speaks the wanted scheme and compresses when both sides want it', async () => {
      assert.equal(new URL(server.url).protocol, kind.scheme);
      const client = await open();
      assert.equal(client.extensions.includes('permessage-deflate'), kind.deflate);
      assert.equal(client.socket.protocol, '');
      await client.close();
    });

    test('returns messages of every length form with their opcode', async () => {
      const client = await open();
      await client.echo('');
      await client.echo(Buffer.alloc(0));
      await client.echo('weft ☕ ' + '\u{1f9f5}'.repeat(40));
      for (const size of [1, 125, 126, 127, 65535, 65536, 65537, mib]) {
        await client.echo('x'.repeat(size));
        await client.echo(bytes(size, size));
      }
      assert.deepEqual(await client.close(), { code: 1000, reason: '' });
    });

    test('returns 10 MiB', async () => {
      const client = await open();
      await client.echo(bytes(10 * mib));
      await client.echo('a long thread '.repeat(10 * mib / 14));
      await client.close();
    });

    test('joins fragments, with a ping between them', async () => {
      const client = await open();
      const pong = once(client.socket, 'pong');
      for (const part of ['one ', '', 'message']) client.send(part, { fin: false });
      client.socket.ping('between');
      client.send(' in parts', { fin: true });
      const { data, binary: isBinary } = await client.next();
      assert.equal(data.toString(), 'one message in parts');
      assert.equal(isBinary, false);
      assert.equal((await pong)[0].toString(), 'between');
      await client.close();
    });

    test('answers pings with their payload, the longest too', async () => {
      const client = await open();
      for (const payload of ['', 'payload', 'p'.repeat(125)]) {
        client.socket.ping(payload);
        const [answer] = await once(client.socket, 'pong');
        assert.equal(answer.toString(), payload);
      }
      await client.close();
    });

    test('answers each of several pings, in its place among the messages, and before the close', async () => {
      const client = await open();
      const heard = [];
      client.socket.on('pong', (data) => heard.push(`pong ${data}`));
      client.socket.on('message', (data) => heard.push(`message ${data}`));
      client.socket._socket.cork();  // one segment
      for (const payload of ['1', '2', '3']) client.socket.ping(payload);
      client.send('a');
      client.socket.ping('4');
      client.socket._socket.uncork();
      await client.close();
      assert.deepEqual(heard, ['pong 1', 'pong 2', 'pong 3', 'message a', 'pong 4']);
    });

    test('keeps the order of 10,000 messages in flight over 50 connections', async () => {
      const clients = await Promise.all(Array.from({ length: 50 }, () => open()));
      for (let i = 0; i < 200; ++i) {
        for (const [who, client] of clients.entries()) client.send(`${who}/${i} ${'.'.repeat(i * 7 % 300)}`);
      }
      for (const [who, client] of clients.entries()) {
        for (let i = 0; i < 200; ++i) {
          const { data } = await client.next();
          assert.ok(data.toString().startsWith(`${who}/${i} `), `client ${who} got ${data} for ${i}`);
        }
      }
      await Promise.all(clients.map((client) => client.close()));
    });

    test('echoes close codes', async () => {
      for (const code of [1000, 1001, 1003, 1007, 1011, 3000, 4999]) {
        const client = await open();
        assert.deepEqual(await client.close(code, 'because'), { code, reason: '' });
      }
      const silent = await open();
      silent.socket.close();
      assert.deepEqual(await silent.closed, { code: 1005, reason: '' });
    });

    test('closes with 1009 on a message that is too big, and others go on', async () => {
      const [healthy, greedy] = [await open(), await open()];
      greedy.send(Buffer.alloc(16 * mib));
      await greedy.next();
      greedy.send(Buffer.alloc(16 * mib + 1));
      const how = await greedy.closed;
      assert.equal(how.code, 1009);
      assert.ok(how.reason.length > 0);
      await healthy.echo('still here');
      await healthy.close();
    });

    test('has no subprotocol, so chooses none', async () => {
      // `ws` fails a handshake whose answer does not choose one of its wishes (RFC 6455 4.1).
      await assert.rejects(open({ protocols: ['chat.v1'] }), /no subprotocol/);
    });
  });
}

test('speaks the subprotocols it is told to', { timeout: 30_000 }, async () => {
  const server = await Server.start('echo', '--subprotocol', 'chat.v1', '--subprotocol', 'chat.v2');
  for (const [protocols, chosen] of [[['chat.v2', 'chat.v1'], 'chat.v2'], [['x', 'chat.v1'], 'chat.v1']]) {
    const client = await Client.open(server.url, { protocols });
    assert.equal(client.socket.protocol, chosen);
    await client.close();
  }
  assert.equal(await server.stop(), 0);
});

describe('permessage-deflate offers', { timeout: 30_000 }, () => {
  let server;
  before(async () => { server = await Server.start('echo', '--deflate'); });
  after(async () => assert.equal(await server.stop(), 0));

  const offers = {
    'nothing special': {},
    'no window kept by the client': { clientNoContextTakeover: true },
    'no window kept by the server': { serverNoContextTakeover: true },
    'no window kept by anybody': { clientNoContextTakeover: true, serverNoContextTakeover: true },
    'a small window of the server': { serverMaxWindowBits: 9 },
    'the largest window of the server': { serverMaxWindowBits: 15 },
    'a small window of the client': { clientMaxWindowBits: 9 },
    'small windows, nothing kept': {
      clientMaxWindowBits: 10, serverMaxWindowBits: 10, clientNoContextTakeover: true, serverNoContextTakeover: true,
    },
  };
  for (const [name, offer] of Object.entries(offers)) {
    test(name, async () => {
      const client = await Client.open(server.url, { perMessageDeflate: { threshold: 0, ...offer } });
      const agreed = client.extensions;
      assert.match(agreed, /permessage-deflate/);
      if (offer.serverNoContextTakeover) assert.match(agreed, /server_no_context_takeover/);
      if (offer.serverMaxWindowBits) {
        const bits = Number(/server_max_window_bits=(\d+)/.exec(agreed)[1]);
        assert.ok(bits <= offer.serverMaxWindowBits);
      }
      const story = 'the weft goes over and under the warp '.repeat(200);
      const before = client.socket._socket.bytesRead;
      for (let i = 0; i < 5; ++i) {  // again: from the window, or without it
        await client.echo(story + i);
        await client.echo(bytes(20_000, i + 1));
      }
      const received = client.socket._socket.bytesRead - before;
      assert.ok(received < 5 * (20_100 + story.length / 4), `${received} bytes: the text was not compressed`);
      await client.close();
    });
  }

  test('a client that does not offer it gets none', async () => {
    const client = await Client.open(server.url, { perMessageDeflate: false });
    assert.equal(client.extensions, '');
    await client.echo('plain '.repeat(1000));
    await client.close();
  });

  test('a compressed message above the limit once inflated is 1009', async () => {
    const small = await Server.start('echo', '--deflate', '--max-message', '1000');
    const client = await Client.open(small.url, { perMessageDeflate: { threshold: 0 } });
    await client.echo('z'.repeat(1000));
    client.send('z'.repeat(1001));
    assert.equal((await client.closed).code, 1009);
    assert.equal(await small.stop(), 0);
  });
});

describe('frames that break the rules', { timeout: 30_000 }, () => {
  let server, healthy;
  before(async () => {
    server = await Server.start('echo', '--max-message', '70000');
    healthy = await Client.open(server.url);
  });
  after(async () => {
    await healthy.echo('nothing happened to me');
    assert.deepEqual(await healthy.close(), { code: 1000, reason: '' });
    assert.equal(await server.stop(), 0);
  });

  const long = 'c'.repeat(124);
  const cases = [
    ['an unmasked frame', 1002, frame(text, 'x', { masked: false })],
    ['a reserved bit', 1002, frame(text, 'x', { rsv1: true })],
    ['a reserved opcode', 1002, frame(0x3, 'x')],
    ['a reserved control opcode', 1002, frame(0xb, 'x')],
    ['a continuation of nothing', 1002, frame(continuation, 'x')],
    ['a message inside a message', 1002, frame(text, 'x', { fin: false }), frame(text, 'y')],
    ['a fragmented ping', 1002, frame(ping, 'x', { fin: false })],
    ['a ping of 126 bytes', 1002, frame(ping, long + 'cc')],
    ['a close frame of one byte', 1002, frame(close, 'x')],
    ['close code 1005', 1002, frame(close, [0x03, 0xed])],
    ['close code 1006', 1002, frame(close, [0x03, 0xee])],
    ['close code 1016', 1002, frame(close, [0x03, 0xf8])],
    ['close code 65535', 1002, frame(close, [0xff, 0xff])],
    ['a close reason that is not UTF-8', 1007, frame(close, [0x03, 0xe8, 0xc3, 0x28])],
    ['text that is not UTF-8', 1007, frame(text, [0xc3, 0x28])],
    ['text that ends inside a character', 1007, frame(text, [0xe2, 0x82])],
    ['text that goes wrong in its second frame', 1007,
      frame(text, [0xe2], { fin: false }), frame(continuation, [0x28], { fin: false })],
    ['a surrogate', 1007, frame(text, [0xed, 0xa0, 0x80])],
    ['a declared length above the limit', 1009, frame(binary, 'only the start', { length: 70_001 })],
    ['a declared length of 2^63 - 1', 1009,
      Buffer.from([0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4])],
    ['a declared length of 2^63', 1002,
      Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])],
    ['a length that is not minimal', 1002, Buffer.from([0x82, 0xfe, 0, 5, 1, 2, 3, 4, 0, 0, 0, 0, 0])],
    ['fragments that exceed the limit together', 1009,
      frame(binary, bytes(70_000), { fin: false }), frame(continuation, 'x')],
    ['more frames than the limit has bytes', 1009, frame(binary, '', { fin: false }),
      ...Array.from({ length: 70_016 }, () => frame(continuation, '', { fin: false }))],
  ];
  for (const [name, code, ...frames] of cases) {
    test(`${name} is ${code}`, async () => {
      const how = await closedBy(server.port, ...frames);
      assert.equal(how.code, code);
      assert.ok(how.reason.length > 0, 'the reason says what was wrong');
      await healthy.echo(`after ${name}`);
    });
  }

  test('eight fragments are allowed, in one byte per packet too', async () => {
    const socket = await rawWebSocket(server.port);
    socket.setNoDelay(true);
    const parts = [frame(text, '1', { fin: false }),
      ...Array.from({ length: 7 }, (_, i) => frame(continuation, String(i + 2), { fin: i === 6 }))];
    for (const byte of Buffer.concat(parts)) socket.write(Buffer.from([byte]));
    const [answer] = await once(socket, 'data');
    assert.equal(answer.toString('latin1'), '\x81\x0812345678');
    socket.destroy();
  });

  test('nothing after a close frame is answered', async () => {
    const how = await closedBy(server.port, Buffer.concat([frame(close, [0x0f, 0xa0]), frame(text, 'too late')]));
    assert.deepEqual(how, { code: 4000, reason: '' });
  });

  test('peers that vanish in the middle of a frame leave no trace', async () => {
    for (let i = 0; i < 20; ++i) {
      const socket = await rawWebSocket(server.port);
      socket.write(frame(binary, 'start', { length: 60_000 }));
      socket.resetAndDestroy();
    }
    await healthy.echo('as if nothing had been');
  });
});
