// What ajv takes for the message and the schema of order_schema.json, from bytes: Buffer to text, JSON.parse, validate. For
// bench/micro/schema_bench.cpp. Prints the processor time per message, the median of seven rounds.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const Ajv = createRequire(new URL('../../tests/e2e/package.json', import.meta.url))('ajv');

const { message, ...schemas } = JSON.parse(readFileSync(new URL('order_schema.json', import.meta.url)));
const bytes = Buffer.from(message);
const rounds = 7;
const perRound = 400_000;

function nanoseconds(run) {
    const times = [];
    for (let i = 0; i < perRound; i++) run();
    for (let round = 0; round < rounds; round++) {
        const before = process.cpuUsage();
        for (let i = 0; i < perRound; i++) run();
        const used = process.cpuUsage(before);
        times.push(((used.user + used.system) * 1000) / perRound);
    }
    return times.sort((a, b) => a - b)[rounds >> 1];
}

function print(name, run) {
    console.log(`${name.padEnd(32)} ${nanoseconds(run).toFixed(0)} ns`);
}

let wrong = 0;
print('JSON.parse', () => {
    if (JSON.parse(bytes.toString()) === null) wrong++;
});
for (const [name, schema] of Object.entries(schemas)) {
    const validate = new Ajv().compile(schema);
    print(`JSON.parse and ajv, ${name}`, () => {
        if (!validate(JSON.parse(bytes.toString()))) wrong++;
    });
    const parsed = JSON.parse(message);
    print(`ajv alone, ${name}`, () => {
        if (!validate(parsed)) wrong++;
    });
}
if (wrong !== 0) throw new Error('ajv refuses the message');
