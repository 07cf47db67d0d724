// Clusters of Node's and our servers over Redis: every case of cluster_cases.mjs in every mixture gives what Node gives alone.
// What differs on purpose is named there. Needs CLUSTER_APP_BIN, redis-server and the tests' npm packages.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { cases } from './cluster_cases.mjs';
import { Cluster, Redis } from './cluster_world.mjs';

const [node, weft] = ['node', 'weft'];
const loops = { weft: ['--threads', '3'] };
const ownChannels = { node: ['--specific-responses'] };

/// Those of two servers, and those of three.
const groups = [
  [{ kinds: [node, node] }, { kinds: [node, weft] }, { kinds: [weft, node] }, { kinds: [weft, weft], flags: loops },
    { kinds: [weft, node], flags: ownChannels, only: 'classic' }],
  [{ kinds: [node, node, node] }, { kinds: [node, weft, weft] }, { kinds: [weft, node, node], flags: loops }, { kinds: [weft, weft, node] }],
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

const few = Boolean(process.env.CLUSTER_FEW);  // for who is in a hurry
for (const adapter of ['classic', 'sharded', 'streams']) {
  for (const group of few ? groups.slice(0, 1) : groups) {
    describe(`${adapter}, ${group[0].kinds.length} servers`, { timeout: 300_000 }, () => {
      const mixtures = group.filter(({ only }) => !only || only === adapter).slice(0, few ? 2 : undefined);
      const runs = new Map();  // all at once: they wait more than they work
      before(() => {
        for (const one of mixtures) {
          const run = async () => {
            const redis = await Redis.start();
            const cluster = await Cluster.start(redis, { adapter, ...one });
            const seen = await observe(cluster);
            const codes = await cluster.stop();
            await redis.stop();
            return { seen, codes };
          };
          runs.set(one, run().catch((error) => ({ error })));
        }
      });
      after(() => Promise.all(runs.values()));

      for (const one of mixtures) {
        const { kinds, flags = {} } = one;
        test([kinds.join(' + '), ...Object.values(flags).flat()].join(' '), async (t) => {
          const { seen, codes, error } = await runs.get(one);
          if (error) throw error;
          const { seen: expected } = await runs.get(mixtures[0]);
          for (const { name, differences = [] } of cases.filter((each) => seen.has(each.name))) {
            await t.test(name, () => {
              if (seen.get(name) instanceof Error) throw seen.get(name);
              const known = differences.find((each) => each.adapter === adapter);
              assert.deepEqual(seen.get(name), known ? known.instead(expected.get(name), kinds) : expected.get(name));
            });
          }
          assert.ok(codes.every((code) => code === 0), `exit codes ${codes}`);
        });
      }
    });
  }
}
