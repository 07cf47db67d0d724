// Clusters of Node's and our servers over Redis: every case of cluster_cases.mjs in every mixture gives what Node gives alone.
// What differs on purpose is named there. Needs CLUSTER_APP_BIN, redis-server and the tests' npm packages.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { cases } from './cluster_cases.mjs';
import { Cluster, Redis } from './cluster_world.mjs';

const [node, weft] = ['node', 'weft'];
const mixtures = [
  { kinds: [node, weft] },
  { kinds: [weft, node] },
  { kinds: [weft, weft] },
];

/// What comes of each case that is for such a cluster. A case that fails gives its error.
async function observe(cluster) {
  const seen = new Map();
  for (const one of cases) {
    if (one.only && one.only !== cluster.adapter) continue;
    if (cluster.kinds.length !== 2 && one.servers !== 'any') continue;
    try {
      const people = one.people ?? cluster.letters.flatMap((letter) => [`${letter}1`, `${letter}2`]);
      for (const name of people) await cluster.open(name);
      seen.set(one.name, await one.run(cluster));
    } catch (error) {
      seen.set(one.name, error);
    }
    await cluster.clear();
  }
  return seen;
}

for (const adapter of ['classic', 'sharded']) {
  describe(adapter, { timeout: 170_000 }, () => {
    let redis;
    before(async () => { redis = await Redis.start(); });
    after(() => redis.stop());

    async function run(kinds, flags) {
      const cluster = await Cluster.start(redis, { adapter, kinds, flags });
      const seen = await observe(cluster);
      assert.deepEqual(await cluster.stop(), kinds.map(() => 0), 'exit codes');
      return seen;
    }

    for (const { among, mixed } of [
      { among: [node, node], mixed: mixtures },
      { among: [node, node, node], mixed: [{ kinds: [node, weft, weft] }, { kinds: [weft, node, node] }, { kinds: [weft, weft, node] }] },
    ]) {
      describe(`${among.length} servers`, () => {
        let expected;
        before(async () => { expected = await run(among); });
        test('Node alone does all that', () => {
          for (const [name, seen] of expected) if (seen instanceof Error) throw new Error(name, { cause: seen });
        });
        for (const { kinds, flags } of mixed) {
          test(kinds.join(' + '), async (t) => {
            const seen = await run(kinds, flags);
            for (const { name, differences = [] } of cases.filter((one) => seen.has(one.name))) {
              await t.test(name, () => {
                if (seen.get(name) instanceof Error) throw seen.get(name);
                const wanted = differences.find(({ when }) => when(adapter, kinds))?.instead?.(expected.get(name), kinds) ?? expected.get(name);
                assert.deepEqual(seen.get(name), wanted);
              });
            }
          });
        }
      });
    }
  });
}
