// `weft echo` and bytes of clients that we cannot run here: cases of the Autobahn test suite, by their numbers, and
// handshakes and first frames as IXWebSocket and Starscream send them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { deflateRawSync, inflateRawSync, constants } from 'node:zlib';
import { Server, frame, rawWebSocket } from './support.mjs';

const text = 0x1, continuation = 0x0, close = 0x8, ping = 0x9;

/// A frame of ours: without a mask.
const answer = (opcode, payload) => Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), Buffer.from(payload)]);
const pong = (payload) => answer(0xa, payload);

/// Exactly these bytes come.
async function expect(socket, ...frames) {
  const wanted = Buffer.concat(frames);
  let got = Buffer.alloc(0);
  while (got.length < wanted.length) {
    const [data] = await once(socket, 'data');
    got = Buffer.concat([got, data]);
  }
  assert.equal(got.toString('latin1'), wanted.toString('latin1'));
}

describe('Autobahn', { timeout: 30_000 }, () => {
  let server, socket;
  before(async () => { server = await Server.start('echo'); });
  after(async () => assert.equal(await server.stop(), 0));

  /// All in one segment, a segment per frame, or one per byte.
  const ways = {
    'at once': (frames) => [Buffer.concat(frames)],
    'frame by frame': (frames) => frames,
    'byte by byte': (frames) => [...Buffer.concat(frames)].map((byte) => Buffer.from([byte])),
  };
  const tens = Array.from({ length: 10 }, (_, i) => `payload-${i}`);
  const parts = ['fragment1', 'fragment2', 'fragment3', 'fragment4', 'fragment5'];
  const first = (payload) => frame(text, payload, { fin: false });
  const middle = (payload) => frame(continuation, payload, { fin: false });
  const last = (payload) => frame(continuation, payload);
  const bye = frame(close, [0x03, 0xe8]);

  const cases = [
    ['2.10: ten pings', ['at once'], tens.map((payload) => frame(ping, payload)), tens.map(pong)],
    ['2.11: ten pings', ['byte by byte'], tens.map((payload) => frame(ping, payload)), tens.map(pong)],
    ['5.6, 5.7, 5.8: a ping between two fragments', Object.keys(ways),
      [first('fragment1'), frame(ping, 'ping payload'), last('fragment2')],
      [pong('ping payload'), answer(text, 'fragment1fragment2')]],
    ['a ping, then a close', Object.keys(ways), [frame(ping, 'last'), bye], [pong('last'), answer(close, [0x03, 0xe8])]],
    ['a ping in a message, then a close instead of its end', Object.keys(ways),
      [first('fragment1'), frame(ping, 'last'), bye], [pong('last'), answer(close, [0x03, 0xe8])]],
  ];
  for (const [name, how, frames, answers] of cases) {
    for (const way of how) {
      test(`${name}, ${way}`, async () => {
        socket = await rawWebSocket(server.port);
        socket.setNoDelay(true);
        for (const data of ways[way](frames)) socket.write(data);
        await expect(socket, ...answers);
        socket.destroy();
      });
    }
  }

  // The suite waits a second after the first ping; this waits for its pong.
  for (const way of ['at once', 'frame by frame']) {
    test(`5.19, 5.20: two pings among five fragments, ${way}`, async () => {
      socket = await rawWebSocket(server.port);
      socket.setNoDelay(true);
      for (const data of ways[way]([first(parts[0]), middle(parts[1]), frame(ping, 'pongme 1!')])) socket.write(data);
      await expect(socket, pong('pongme 1!'));
      const rest = [middle(parts[2]), middle(parts[3]), frame(ping, 'pongme 2!'), last(parts[4])];
      for (const data of ways[way](rest)) socket.write(data);
      await expect(socket, pong('pongme 2!'), answer(text, parts.join('')));
      socket.destroy();
    });
  }
});

describe('clients whose bytes we know', { timeout: 30_000 }, () => {
  let server;
  before(async () => { server = await Server.start('echo', '--deflate'); });
  after(async () => assert.equal(await server.stop(), 0));

  /// The connection and the extensions agreed on. `fields` are the lines between the request line and the empty line.
  async function shake(key, ...fields) {
    const socket = net.connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(['GET / HTTP/1.1', ...fields, '', ''].join('\r\n'));
    const [data] = await once(socket, 'data');
    const head = data.toString('latin1');
    assert.match(head, /^HTTP\/1\.1 101 /);
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    assert.ok(head.includes(`Sec-WebSocket-Accept: ${accept}\r\n`), head);
    return { socket, agreed: /Sec-WebSocket-Extensions: (.*)\r\n/.exec(head)?.[1] };
  }

  /// A compressed text comes back, compressed and in a window as large as was agreed on.
  async function compressedEcho(socket, words) {
    const deflated = deflateRawSync(words, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    socket.write(frame(text, deflated, { rsv1: true }));
    let got = Buffer.alloc(0);
    while (got.length < 2 || got.length < 2 + got[1]) got = Buffer.concat([got, (await once(socket, 'data'))[0]]);
    assert.equal(got[0], 0xc1, 'a compressed text in one frame');
    assert.ok(got[1] < 126);
    const whole = Buffer.concat([got.subarray(2), Buffer.from([0, 0, 0xff, 0xff])]);
    const back = inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH });
    assert.equal(back.toString(), words);
  }

  const words = 'the weft goes over and under the warp '.repeat(20);

  test('IXWebSocket: a key that is no canonical base64, an Origin of its own, both windows named', async () => {
    const key = '0cb3Gd9HfbAEGFagC3Beha==';  // 22 random characters of an alphabet, whatever the last one's bits
    const { socket, agreed } = await shake(key, `Host: 127.0.0.1:${server.port}`, 'Upgrade: websocket',
      'Connection: Upgrade', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`, 'User-Agent: ixwebsocket/11.4.5',
      `Origin: ws://127.0.0.1:${server.port}`,
      'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15; client_max_window_bits=15');
    assert.match(agreed, /^permessage-deflate; .*server_max_window_bits=\d+/);
    await compressedEcho(socket, words);
    socket.destroy();
  });

  test('Starscream: an Origin with the scheme wss, fields in any order', async () => {
    const key = Buffer.from('abcdefghijklmnop').toString('base64');
    const { socket, agreed } = await shake(key,
      'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; server_max_window_bits=15',
      'Sec-WebSocket-Version: 13', 'Upgrade: websocket', `Sec-WebSocket-Key: ${key}`, `Host: 127.0.0.1:${server.port}`,
      'Connection: Upgrade', `Origin: wss://127.0.0.1:${server.port}`);
    assert.match(agreed, /^permessage-deflate/);
    await compressedEcho(socket, words);
    socket.destroy();
  });
});
