// weft::schema against npm's ajv: 30 schemas (schemas.json), 10,000 documents for each. The documents are texts, made
// from the schema with a fixed seed, most of them nearly right. Needs SCHEMA_PROBE_BIN.
//
// The verdicts must agree. Where they do not, the document or the schema must have what one of the known differences names.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

const Ajv = createRequire(import.meta.url)('ajv');
const schemas = JSON.parse(readFileSync(new URL('schemas.json', import.meta.url)));
const documentsPerSchema = 10_000;

// What ajv and we see differently on purpose. `document` has its text, and whether an object in it has equal keys.
const knownDifferences = [
  { name: 'an object with two equal keys', why: 'we refuse it, JSON.parse keeps the last',
    is: (document, weft) => document.equalKeys && weft !== '1' },
  { name: 'a number beyond doubles', why: 'Infinity is no number to ajv, and digits behind the 17th are lost',
    is: (document) => /e400|\d{17}/.test(document.text) },
  { name: 'a multiple of a decimal', why: 'ajv divides doubles: 4.35 / 0.01 is 434.99999999999994',
    is: (document, weft, name) => name === 'decimals' && /\d\.\d/.test(document.text) && weft === '1' },
];

/** A generator of numbers in [0, 1) that is the same everywhere (mulberry32). */
function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Makes documents for one schema. */
class Documents {
  constructor(root, words, seed) {
    this.root = root;
    this.random = seeded(seed);
    this.words = ['', 'a', 'ab', 'abc', 'abcd', 'abcdef', 'é', '😀', '😀é', '\ud800', 'x1', 'xy', 'y', ...words];
    this.keys = ['a', 'b', 'c', 'id', 'x', 'xy', 'toolong', 'Z', ''];
    this.ids = new Map();
    this.collect(root);
  }

  /** The names and texts that the schema itself uses. */
  collect(schema) {
    if (schema === null || typeof schema !== 'object') return;
    if (typeof schema.$id === 'string') this.ids.set(schema.$id, schema);
    for (const [key, value] of Object.entries(schema)) {
      if (key === 'properties' || key === 'dependencies') this.keys.push(...Object.keys(value));
      this.collect(value);
    }
  }

  chance(p) { return this.random() < p; }
  below(n) { return Math.floor(this.random() * n); }
  pick(list) { return list[this.below(list.length)]; }

  next() {
    this.equalKeys = false;
    const text = this.value(this.root, 0);
    return { text: this.chance(0.05) ? ` ${text} ` : text, equalKeys: this.equalKeys };
  }

  string(text) {
    const json = JSON.stringify(text);
    if (!this.chance(0.1)) return json;
    return `"${[...json.slice(1, -1)].map((c) => (/[a-z]/i.test(c) && !/\\/.test(json) && this.chance(0.5)
      ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c)).join('')}"`;
  }

  number(around = 0) {
    const value = this.pick([around, around - 1, around + 1, around + 0.5, this.below(20) - 5, this.below(1000) / 100, 0]);
    return this.pick([String(value), String(value), String(value), `${value}${/[.e]/.test(value) ? '0' : '.0'}`,
      Number.isInteger(value) ? `${value}e0` : String(value), Number.isInteger(value) ? `${value * 10}e-1` : String(value),
      this.chance(0.05) ? this.pick(['1e400', '-1e400', '12345678901234567890123', '-0', '0.1e1', '1E2']) : String(value)]);
  }

  any(depth) {
    switch (this.below(depth > 3 ? 5 : 7)) {
      case 0: return this.number();
      case 1: return this.string(this.pick(this.words));
      case 2: return this.pick(['true', 'false']);
      case 3: return 'null';
      case 4: return this.pick(['[]', '{}']);
      case 5: return this.array({}, depth);
      default: return this.object({}, depth);
    }
  }

  array(schema, depth) {
    const size = Math.max(0, this.pick([schema.minItems ?? 0, schema.maxItems ?? 3, 1, 2, 3]) + (this.chance(0.1) ? 1 : 0));
    const elements = [];
    for (let i = 0; i < size; i++) {
      const of = Array.isArray(schema.items) ? schema.items[i] ?? schema.additionalItems : schema.items;
      elements.push(this.chance(0.3) && schema.contains ? this.value(schema.contains, depth + 1)
        : this.value(of ?? {}, depth + 1));
    }
    if (elements.length !== 0 && this.chance(0.1)) elements.push(this.pick(elements));
    return `[${elements.join(this.chance(0.1) ? ' , ' : ',')}]`;
  }

  object(schema, depth) {
    const members = [];
    const properties = Object.entries(schema.properties ?? {});
    for (const [key, of] of properties) {
      const needed = schema.required?.includes(key);
      if (this.chance(needed ? 0.95 : 0.5)) members.push([key, this.value(of, depth + 1)]);
    }
    for (const key of schema.required ?? []) {
      if (!(key in (schema.properties ?? {})) && this.chance(0.9)) members.push([key, this.any(depth + 1)]);
    }
    const more = this.chance(schema.additionalProperties === false ? 0.1 : 0.5) ? this.below(3) : 0;
    for (let i = 0; i < more; i++) {
      const of = typeof schema.additionalProperties === 'object' && this.chance(0.8) ? schema.additionalProperties : {};
      members.push([this.pick(this.keys), this.value(of, depth + 1)]);
    }
    // Equal keys are for their own test; one in fifty is left.
    const seen = new Set();
    const kept = members.filter(([key]) => !seen.has(key) ? seen.add(key) : this.chance(0.02) && (this.equalKeys = true));
    if (this.chance(0.3)) kept.reverse();
    return `{${kept.map(([key, value]) => `${this.string(key)}:${value}`).join(',')}}`;
  }

  resolve(reference) {
    if (reference === '#') return this.root;
    if (this.ids.has(reference)) return this.ids.get(reference);
    return reference.split('/').slice(1).reduce((at, token) => at[token], this.root);
  }

  value(schema, depth) {
    if (typeof schema === 'boolean' || this.chance(0.08)) return this.any(depth);
    if (schema.$ref) return depth > 5 ? this.any(depth) : this.value(this.resolve(schema.$ref), depth);
    if ('const' in schema) return this.chance(0.9) ? this.written(schema.const) : this.any(depth);
    if (schema.enum) return this.chance(0.9) ? this.written(this.pick(schema.enum)) : this.any(depth);
    const branches = [...(schema.allOf ?? []), ...(schema.anyOf ?? []), ...(schema.oneOf ?? []),
      ...[schema.not, schema.then, schema.else, schema.if].filter((s) => typeof s === 'object')];
    if (branches.length !== 0 && this.chance(0.8)) return this.value(this.mixed(schema, this.pick(branches)), depth);
    switch (this.kind(schema)) {
      case 'number': case 'integer':
        return this.number(this.pick([schema.minimum, schema.maximum, schema.exclusiveMinimum, schema.exclusiveMaximum,
          schema.multipleOf && schema.multipleOf * this.below(9)].filter((n) => n !== undefined)) ?? 0);
      case 'string': return this.string(this.pick(this.words));
      case 'boolean': return this.pick(['true', 'false']);
      case 'null': return 'null';
      case 'array': return this.array(schema, depth);
      case 'object': return this.object(schema, depth);
      default: return this.any(depth);
    }
  }

  /** What a branch says, with the members that the schema around it names. */
  mixed(schema, branch) {
    const { allOf, anyOf, oneOf, not, if: condition, then, else: otherwise, ...rest } = schema;
    return { ...rest, ...branch, properties: { ...rest.properties, ...branch.properties },
      required: [...(rest.required ?? []), ...(branch.required ?? [])] };
  }

  kind(schema) {
    if (schema.type) return this.pick([schema.type].flat());
    const has = (...words) => words.some((word) => word in schema);
    const kinds = [];
    if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf')) kinds.push('number');
    if (has('minLength', 'maxLength', 'pattern')) kinds.push('string');
    if (has('items', 'contains', 'minItems', 'maxItems', 'uniqueItems')) kinds.push('array');
    if (has('propertyNames', 'dependencies', 'patternProperties', 'additionalProperties', 'minProperties', 'maxProperties')
      || Object.keys(schema.properties ?? {}).length !== 0 || schema.required?.length) kinds.push('object');
    return kinds.length === 0 ? undefined : this.pick(kinds);
  }

  /** A value as text, in one of the ways to write it. */
  written(value) {
    if (typeof value === 'number') return this.pick([String(value), Number.isInteger(value) ? `${value}.0` : `${value}0`]);
    if (typeof value === 'string') return this.string(value);
    if (Array.isArray(value)) return `[${value.map((v) => this.written(v)).join(' ,')}]`;
    if (value === null || typeof value !== 'object') return String(value);
    const members = Object.entries(value).map(([key, v]) => `${this.string(key)} : ${this.written(v)}`);
    return `{${(this.chance(0.5) ? members.reverse() : members).join(',')}}`;
  }
}

function verdicts(schema, documents) {
  const input = [JSON.stringify(schema), ...documents.map((d) => d.text)].join('\n') + '\n';
  const out = execFileSync(process.env.SCHEMA_PROBE_BIN, { input, maxBuffer: 1 << 28 }).toString();
  return out.split('\n').slice(0, -1);
}

test('there are thirty schemas with names of their own', () => {
  assert.equal(schemas.length, 30);
  assert.equal(new Set(schemas.map((s) => s.name)).size, 30);
});

const met = new Map(knownDifferences.map((d) => [d.name, 0]));

for (const [index, { name, schema, words }] of schemas.entries()) {
  test(`ajv and Weft agree: ${name}`, () => {
    const validate = new Ajv({ strict: false }).compile(schema);
    const generator = new Documents(schema, words ?? [], 20261129 + index);
    const documents = Array.from({ length: documentsPerSchema }, () => generator.next());
    const ours = verdicts(schema, documents);
    assert.equal(ours.length, documentsPerSchema, ours[0]);
    let accepted = 0;
    const disagreements = [];
    documents.forEach((document, i) => {
      const theirs = validate(JSON.parse(document.text));
      if (theirs) accepted++;
      if (theirs === (ours[i] === '1')) return;
      const known = knownDifferences.find((d) => d.is(document, ours[i], name));
      if (known) met.set(known.name, met.get(known.name) + 1);
      else disagreements.push(`${document.text}\n  ajv: ${theirs ? 'fine' : validate.errors?.[0]?.keyword}, Weft: ${ours[i]}`);
    });
    assert.equal(disagreements.length, 0, `${disagreements.length} disagreements:\n${disagreements.slice(0, 5).join('\n')}`);
    // The comparison says something only if there are both.
    assert.ok(accepted > documentsPerSchema / 50 && accepted < documentsPerSchema * 0.98, `${accepted} were accepted`);
  });
}

test('each known difference is still one', () => {
  for (const [name, count] of met) assert.ok(count > 0, name);
  console.log(Object.fromEntries(met));
});
