// Weft's packet parser against npm's socket.io-parser and socket.io-msgpack-parser, on the packets of
// the protocol and on many that were made from them by small changes. Needs PACKET_PROBE_BIN.
//
// What npm refuses we refuse. What we refuse and npm takes must be one of the known differences.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { createRequire } from 'node:module';
import { Decoder } from 'socket.io-parser';

const msgpackParser = createRequire(import.meta.url)('socket.io-msgpack-parser');

const placeholder = (num) => `{"_placeholder":true,"num":${num}}`;
const bin = (text) => Buffer.from(text);

const sequences = [
  ['0'], ['0{}'], ['0/admin'], ['0/admin,'], ['0["x"]'], ['0"x"'], ['0null'], ['0/admin?a=1,{}'], ['1'], ['1{}'],
  ['1/a,'], ['2["a"]'], ['2[1]'], ['2[]'], ['2[null]'], ['2{}'], ['2"a"'], ['2["connect"]'], ['2["disconnecting"]'],
  ['2'], ['2["connection"]'], ['2["error"]'], ['2["__proto__"]'], ['212["a"]'], ['2007["a"]'], ['2-1["a"]'],
  ['21.5["a"]'], ['21e3["a"]'], ['2 ["a"]'], ['2/nsp["a"]'], ['2/,["a"]'], ['2/a,b,["x"]'], ['3[]'], ['31[1]'],
  ['3/a,1[]'], ['4"str"'], ['4{"message":"m"}'], ['4'], ['4[]'], ['7'], ['a'], [''],
  ['2["say","hi",1,-2.5e3,true,null,{"a":[1,{"b":"\\u00e4\\n"}],"a":2}]'], ['2/n,12["a", "b" , {"c" : [ ]} ] '],
  ['2["a",1e400,-0,1E5,0.1e-7,18446744073709551616,9007199254740993]'], ['2["a","\\ud83d\\ude00\\/"]'],
  [`51-["a",${placeholder(0)}]`, bin('x')], ['5'], ['50-["a"]', bin('')], ['51["a"]', bin('')], ['5-["a"]', bin('')],
  [`511-["a",${placeholder(0)}]`, bin('')], ['51-["a"]', bin('x')], [`51-["a",${placeholder(1)}]`, bin('x')],
  [`51-["a",${placeholder('"0"')}]`, bin('x')], ['51-["a",{"_placeholder":true}]', bin('x')],
  [`51-["a",${placeholder(0)},${placeholder(0)}]`, bin('x')], [`51-["a",${placeholder(0)}]`, '2["a"]'],
  [bin('x')], [`51-${placeholder(0)}`, bin('x')], [`51-[${placeholder(0)}]`, bin('x')],
  [`52-/n,3["a",[{"x":${placeholder(1)}}],${placeholder(0)}]`, bin('one'), bin('two')],
  [`61-7[{"num":0,"_placeholder":true}]`, bin('x')], [`2["a",${placeholder(0)}]`],
  ['2["a",{"_placeholder":false,"num":0}]'], [`51-["a",${placeholder(0)}]`],
];

/// Why we refuse what npm accepts; the keys are the texts of our errors.
const stricter = {
  "a packet's type is none of 0 to 6": 'no type, or a space, is a CONNECT there',
  'an acknowledgement id is not an integer up to 2^53-1, or has no place here': 'ids of packets without acknowledgement',
  "a packet's number of attachments is malformed or above max_attachments": 'counts as JavaScript reads numbers: 01, 1e0, 0x1',
  "a packet's payload has not the form that its type asks for": 'white space is a digit there',
  'placeholders and attachments do not match: each attachment has exactly one placeholder': 'see S2 in SECURITY.md',
};

function probe(lines) {
  const out = execFileSync(process.env.PACKET_PROBE_BIN, { input: lines.join('\n') + '\n', maxBuffer: 1 << 28 });
  return out.toString().trimEnd().split('\n').map((line) => ({ line, ...JSON.parse(line) }));
}

const hexMessage = (message) =>
  (typeof message === 'string' ? 't' : 'b') + Buffer.from(message).toString('hex');
const withAttachments = (data, attachments) => JSON.parse(data ?? 'null', (_, value) =>
  value && value._placeholder === true ? bin(attachments[value.num] ?? '') : value);
const normal = (value) => JSON.parse(JSON.stringify(value ?? null));

/// What npm makes of a session's messages: the last packet, nothing yet, or an error.
function reference(decoder, messages) {
  let packet = null;
  decoder.on('decoded', (decoded) => { packet = decoded; });
  try {
    for (const message of messages) {
      packet = null;
      decoder.add(message);
    }
  } catch (error) {
    return { error };
  }
  return { packet };
}

function compare(name, expected, ours, differences) {
  if (expected.error) {
    assert.ok(ours.error, `${name}: npm says ${expected.error.message}, we took it: ${ours.line}`);
    return;
  }
  if (ours.error) {
    assert.ok(stricter[ours.error], `${name}: npm took it, we say ${ours.error}`);
    differences.set(ours.error, (differences.get(ours.error) ?? 0) + 1);
    return;
  }
  if (expected.packet === null) {
    assert.equal(ours.type, undefined, `${name}: npm waits for more, we have ${ours.line}`);
    return;
  }
  const { type, nsp, id, data } = expected.packet;
  assert.deepEqual([ours.type, ours.nsp, ours.id ?? null], [type, nsp, id ?? null], name);
  const attachments = (ours.attachments ?? []).map((hex) => Buffer.from(hex, 'hex'));
  assert.deepEqual(normal(withAttachments(ours.data, attachments)), normal(data), name);
}

/// A generator of numbers below `n`, the same in every run.
function random(seed) {
  return (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 2 ** 32 * n);
  };
}

const pieces = ['0', '1', '5', '-', ',', '/', '[', ']', '{', '}', '"', ' ', 'e', '.', '+', '\\', '\n', 'null', 'true', ':',
  placeholder(0), placeholder(1), '_placeholder', '"num"', '"connect"', '"a"', '\\u0061', '\u20ac', '1-', '51-', '00'];

function changed(text, pick) {
  for (let changes = 1 + pick(3); changes > 0; --changes) {
    const at = pick(text.length + 1);
    const cut = pick(3) === 0 ? pick(4) : 0;
    const piece = pick(4) === 0 ? '' : pieces[pick(pieces.length)];
    text = text.slice(0, at) + piece + text.slice(at + cut);
  }
  return text;
}

test('text packets are taken and refused as by socket.io-parser', (t) => {
  const pick = random(1);
  const cases = [...sequences];
  for (let i = 0; i < 30000; ++i) {
    const base = sequences[pick(sequences.length)];
    cases.push(base.map((message) => typeof message === 'string' ? changed(message, pick) : message));
  }
  const ours = probe(cases.map((messages) => ['text', ...messages.map(hexMessage)].join(' ')));
  const differences = new Map();
  cases.forEach((messages, i) =>
    compare(JSON.stringify(messages), reference(new Decoder(), messages), ours[i], differences));
  for (const [why, count] of differences) t.diagnostic(`${count} x ${why}: ${stricter[why]}`);
});

const packets = [
  { type: 0, nsp: '/' }, { type: 0, data: { token: 'x' }, nsp: '/a' }, { type: 1, nsp: '/a' },
  { type: 2, data: ['e', 'world', 1, -5, 3.5, true, null, { a: [1], b: {} }], nsp: '/' },
  { type: 2, data: ['e', bin('\x09'), [{ x: bin('second') }]], id: 12, nsp: '/chat' },
  { id: 0, type: 3, data: ['r', bin('x')], nsp: '/' }, { id: 7, type: 3, data: [], nsp: '/' },
  { type: 4, data: { message: 'm', data: { code: 1 } }, nsp: '/x' },
  { type: 2, data: ['n', 0, 127, 128, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 32, 2 ** 53, -1, -32, -33, -128, -129,
    -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53), 0.1, -1e-7, 1.5e-300], nsp: '/' },
  { type: 2, data: ['s', '', 'x'.repeat(31), 'x'.repeat(32), 'x'.repeat(255), 'x'.repeat(256), 'x'.repeat(65536), '\u20ac\ud83d\ude00\n"'],
    nsp: '/' },
  { type: 2, data: ['l', Array(15).fill(1), Array(16).fill(1), Array(65536).fill(1),
    Object.fromEntries(Array(16).fill(0).map((_, i) => ['k' + i, i]))], nsp: '/' },
];

/// The packet as text with its attachments aside.
function deconstruct(packet) {
  const attachments = [];
  const data = packet.data === undefined ? '' : JSON.stringify(packet.data, function (key, value) {
    const original = this[key];
    if (!Buffer.isBuffer(original)) return value;
    attachments.push(original);
    return { _placeholder: true, num: attachments.length - 1 };
  });
  const head = attachments.length > 0 ? `${packet.type + 3}${attachments.length}-` : `${packet.type}`;
  return [head + (packet.nsp === '/' ? '' : packet.nsp + ',') + (packet.id ?? '') + data, ...attachments];
}

test('msgpack packets are written byte for byte as by socket.io-msgpack-parser', () => {
  const ours = probe(packets.map((packet) =>
    'encode ' + deconstruct(packet).map((part) => Buffer.from(part).toString('hex')).join(' ')));
  packets.forEach((packet, i) => {
    const [expected] = new msgpackParser.Encoder().encode(packet);
    assert.equal(ours[i].bytes, expected.toString('hex'), JSON.stringify(packet).slice(0, 200));
  });
});

test('msgpack packets are read as by socket.io-msgpack-parser', () => {
  const extra = [
    { type: 2, data: ['d', new Date(0), new Date(-1), { u: undefined, v: 1 }, [undefined], NaN, Infinity, new Uint8Array(3).buffer],
      options: { compress: true }, id: 0, nsp: '/' },
    { type: 0, data: { sid: 'x', pid: undefined }, nsp: '/' },
  ];
  const messages = [...packets, ...extra].map((packet) => new msgpackParser.Encoder().encode(packet)[0]);
  const ours = probe(messages.map((message) => 'msgpack ' + message.toString('hex')));
  messages.forEach((message, i) => {
    const expected = reference(new msgpackParser.Decoder(), [message]);
    for (const [name, value] of Object.entries(expected.packet.data ?? {})) {
      if (value instanceof ArrayBuffer) expected.packet.data[name] = Buffer.from(value);
    }
    compare(`message ${i}`, expected, ours[i], new Map());
  });
});

test('changed msgpack packets: what npm refuses we refuse', () => {
  const pick = random(2);
  const small = packets.map((packet) => new msgpackParser.Encoder().encode(packet)[0]).filter((m) => m.length < 500);
  const messages = Array.from({ length: 20000 }, () => {
    const message = Buffer.from(small[pick(small.length)]);
    for (let changes = 1 + pick(2); changes > 0; --changes) message[pick(message.length)] = pick(256);
    return pick(10) === 0 ? message.subarray(0, pick(message.length)) : message;
  });
  const ours = probe(messages.map((message) => 'msgpack ' + message.toString('hex')));
  messages.forEach((message, i) => {
    if (ours[i].error) return;  // npm can take very long: it believes the sizes that it reads
    const expected = reference(new msgpackParser.Decoder(), [message]);
    assert.equal(expected.error, undefined, `${message.toString('hex')}: we took it: ${ours[i].line}`);
  });
});
