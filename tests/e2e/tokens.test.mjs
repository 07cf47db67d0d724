// Tokens of `jose` and of node:crypto against our verifier, by `weft token inspect`, and tokens of `weft token mint`
// against `jose`. The names begin with the rows of SECURITY.md.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import * as crypto from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as jose from 'jose';

const folder = mkdtempSync(join(tmpdir(), 'weft-tokens-'));
after(() => rmSync(folder, { recursive: true }));

const secret = Buffer.from('0123456789abcdef'.repeat(4));
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA'];
const hmacs = ['HS256', 'HS384', 'HS512'];
const issuer = 'https://id.example';
const keys = new Map();  // by algorithm: { publicKey, privateKey, pem, jwk }

const file = (name, content) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

/// The exit code of `weft ...`, and what it printed.
function weft(args, input = '') {
  return new Promise((resolve) => {
    const child = execFile(process.env.WEFT_BIN, args, (failed, stdout, stderr) =>
      resolve({ code: failed ? failed.code : 0, stdout, stderr }));
    child.stdin.end(input);
  });
}

const server = ['--iss', issuer, '--aud', 'chat'];

async function accepted(token, ...flags) {
  const got = await weft(['token', 'inspect', '-', ...server, ...flags], token);
  assert.equal(got.code, 0, got.stdout + got.stderr);
  assert.match(got.stdout, /^good: .* for "ada"$/m);
}

async function refused(why, token, ...flags) {
  const got = await weft(['token', 'inspect', '-', ...server, ...flags], token);
  assert.equal(got.code, 1, got.stdout + got.stderr);
  assert.match(got.stdout, why);
}

const claims = () => new jose.SignJWT({ role: 'admin' }).setIssuer(issuer).setSubject('ada').setAudience(['x', 'chat'])
  .setIssuedAt().setExpirationTime('10m');
const sign = (alg, change = (c) => c) =>
  change(claims()).setProtectedHeader({ alg, kid: alg }).sign(keys.get(alg)?.privateKey ?? secret);

let jwks, secretFile;

before(async () => {
  for (const alg of algorithms) {
    const pair = await jose.generateKeyPair(alg, { extractable: true });
    const pem = await jose.exportSPKI(pair.publicKey);
    const jwk = { ...await jose.exportJWK(pair.publicKey), alg, kid: alg, use: 'sig' };
    const privatePem = await jose.exportPKCS8(pair.privateKey);
    keys.set(alg, { ...pair, pem, jwk, privatePem, path: file(`${alg}.pem`, pem), privatePath: file(`${alg}.key`, privatePem) });
  }
  jwks = file('jwks.json', JSON.stringify({ keys: [{ kty: 'X' }, ...algorithms.map((alg) => keys.get(alg).jwk)] }));
  secretFile = file('secret', secret);
});

test('tokens of jose are accepted, by key set and by PEM', { timeout: 60_000 }, async () => {
  for (const alg of algorithms) {
    const token = await sign(alg);
    await accepted(token, '--jwks', jwks, '--alg', alg);
    await accepted(token, '--pem', keys.get(alg).path, '--alg', alg);
  }
  for (const alg of hmacs) await accepted(await sign(alg), '--secret-file', secretFile, '--alg', alg);
});

test('tokens of weft are accepted by jose', { timeout: 60_000 }, async () => {
  const mint = async (...flags) => {
    const made = await weft(['token', 'mint', ...server, '--sub', 'ada', '--claim', 'role={"is":["admin"]}', ...flags]);
    assert.equal(made.code, 0, made.stderr);
    return made.stdout.trim();
  };
  const check = async (token, key, alg) => {
    const { payload, protectedHeader } = await jose.jwtVerify(token, key, {
      issuer, audience: 'chat', algorithms: [alg], requiredClaims: ['sub', 'exp', 'iat', 'jti'], maxTokenAge: '1h' });
    assert.deepEqual(payload.role, { is: ['admin'] });
    assert.equal(payload.exp - payload.iat, 900);
    assert.deepEqual(protectedHeader, { alg, typ: 'JWT', kid: 'k1' });
  };
  for (const alg of algorithms) {
    const token = await mint('--key', keys.get(alg).privatePath, '--alg', alg, '--kid', 'k1', '--ttl', '15m');
    await check(token, keys.get(alg).publicKey, alg);
  }
  for (const alg of hmacs) {
    await check(await mint('--secret-file', secretFile, '--alg', alg, '--kid', 'k1', '--ttl', '15m'), secret, alg);
  }
});

test('sec_j1 none is no algorithm', async () => {
  const none = new jose.UnsecuredJWT({}).setIssuer(issuer).setSubject('ada').setAudience('chat').setIssuedAt()
    .setExpirationTime('10m').encode();
  await refused(/no compact JWS|no alg/, none, '--jwks', jwks, '--alg', 'ES256');
  await refused(/alg of a token/, none + 'AAAA', '--jwks', jwks, '--alg', 'ES256');
  await refused(/refused/, none, '--jwks', jwks);
});

test('sec_j2 a public key is no secret', async () => {
  for (const alg of ['RS256', 'ES256', 'EdDSA']) {
    const { pem, jwk } = keys.get(alg);
    for (const stolen of [pem, pem.trim(), ` \n${pem}`, JSON.stringify(jwk), jwk.n ?? jwk.x]) {
      const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: alg })).toString('base64url');
      const body = (await sign(alg)).split('.')[1];
      const mac = crypto.createHmac('sha256', stolen).update(`${header}.${body}`).digest('base64url');
      await refused(/kid and alg/, `${header}.${body}.${mac}`, '--jwks', jwks, '--alg', alg, '--alg', 'HS256');
      await refused(/issuer::algorithms/, `${header}.${body}.${mac}`, '--jwks', jwks, '--alg', alg);
    }
    const loaded = await weft(['token', 'inspect', '-', ...server, '--secret-file', file('stolen', `\n ${pem}`)], await sign('HS256'));
    assert.equal(loaded.code, 2);
    assert.match(loaded.stderr, /the secret is a public key/);
  }
});

test('sec_j3 a token cannot bring its key', async () => {
  const attacker = await jose.generateKeyPair('ES256', { extractable: true });
  const jwk = await jose.exportJWK(attacker.publicKey);
  for (const more of [{ jwk }, { jku: 'https://evil.example/' }, { x5u: 'https://evil.example/' }, { x5c: ['AAAA'] }]) {
    const token = await claims().setProtectedHeader({ alg: 'ES256', kid: 'ES256', ...more }).sign(attacker.privateKey);
    await refused(/signature of a token is wrong/, token, '--jwks', jwks);
  }
  for (const kid of ['../../dev/null', "' OR 1=1 --", 'ES256\0', 'es256']) {
    const token = await claims().setProtectedHeader({ alg: 'ES256', kid }).sign(keys.get('ES256').privateKey);
    await refused(/kid and alg/, token, '--jwks', jwks);
  }
});

test('sec_j4 a signature has one form', async () => {
  const input = (await sign('PS256')).split('.').slice(0, 2).join('.');
  const key = keys.get('PS256').privatePem;
  for (const saltLength of [0, 20, 31, 33, 64, 222]) {
    const signature = crypto.sign('sha256', Buffer.from(input), { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength });
    await refused(/signature of a token is wrong/, `${input}.${signature.toString('base64url')}`, '--jwks', jwks);
  }
  const pss = (saltLength) => crypto.sign('sha256', Buffer.from(input),
    { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength }).toString('base64url');
  await accepted(`${input}.${pss(32)}`, '--jwks', jwks);
  for (const alg of ['ES256', 'ES384']) {
    const text = (await sign(alg)).split('.').slice(0, 2).join('.');
    const by = (dsaEncoding) => crypto.sign(alg === 'ES256' ? 'sha256' : 'sha384', Buffer.from(text),
      { key: keys.get(alg).privatePem, dsaEncoding }).toString('base64url');
    await accepted(`${text}.${by('ieee-p1363')}`, '--jwks', jwks);
    await refused(/signature of a token is wrong/, `${text}.${by('der')}`, '--jwks', jwks);
    const zeros = Buffer.alloc(alg === 'ES256' ? 64 : 96).toString('base64url');
    await refused(/signature of a token is wrong/, `${text}.${zeros}`, '--jwks', jwks);
  }
  const token = await sign('HS256');
  for (const other of [`${token}=`, `${token}==`, token.replaceAll('-', '+').replaceAll('_', '/') + '+', ` ${token}`, `${token} `]) {
    await refused(/no compact JWS|no alg/, other, '--secret-file', secretFile, '--alg', 'HS256');
  }
});

test('sec_j5 sec_j6 times, issuer and audience are judged', async () => {
  const with_ = (change) => sign('ES256', change);
  await refused(/has expired/, await with_((c) => c.setIssuedAt('-2h').setExpirationTime('-1h')), '--jwks', jwks);
  await refused(/later than now/, await with_((c) => c.setNotBefore('5m')), '--jwks', jwks);
  await refused(/later than now/, await with_((c) => c.setIssuedAt('5m')), '--jwks', jwks);
  await refused(/max_lifetime/, await with_((c) => c.setExpirationTime('25h')), '--jwks', jwks);
  await refused(/issuer::name/, await with_((c) => c.setIssuer('https://evil.example')), '--jwks', jwks);
  await refused(/issuer::audience/, await with_((c) => c.setAudience('other')), '--jwks', jwks);
  await refused(/lacks/, await with_((c) => c.setSubject('')), '--jwks', jwks);
});

test('sec_j7 floods of syntax are refused', { timeout: 30_000 }, async () => {
  await refused(/max_token/, '.'.repeat(1 << 20), '--jwks', jwks, '--alg', 'ES256');
  const deep = Buffer.from(`{"alg":"ES256","x":${'['.repeat(3000)}}`).toString('base64url');
  await refused(/no compact JWS/, `${deep}.e30.AAAA`, '--jwks', jwks, '--alg', 'ES256');
  const twice = Buffer.from('{"alg":"none","alg":"ES256"}').toString('base64url');
  await refused(/no compact JWS/, `${twice}.e30.AAAA`, '--jwks', jwks, '--alg', 'ES256');
});
