// The Kubernetes manifests: right by the schemas of Kubernetes, with a configuration that the program accepts, and with times
// that fit its drain. Needs WEFT_BIN.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as apps from 'kubernetes-models/apps/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as core from 'kubernetes-models/v1';
import { parseAllDocuments } from 'yaml';

const FILE = new URL('../../packaging/kubernetes/weft.yaml', import.meta.url);
const objects = parseAllDocuments(readFileSync(FILE, 'utf8'), { strict: true, uniqueKeys: true }).map((each) => {
  assert.deepEqual(each.errors, []);
  return each.toJS();
});
const kinds = { ...core, ...apps, ...policy };
const find = (kind) => objects.find((each) => each.kind === kind);
const pod = () => find('Deployment').spec.template.spec;
const container = () => pod().containers[0];
const configuration = () => find('ConfigMap').data['weft.toml'];
const configured = (key) => Number(new RegExp(`^${key} = "?(\\d+)s?"?$`, 'm').exec(configuration())[1]);

function isRight(object) {
  try {
    new kinds[object.kind](object).validate();
    return true;
  } catch {
    return false;
  }
}

/// Every place of an object, as the names that lead there.
function* places(value, path = []) {
  if (path.length > 0) yield path;
  if (value === null || typeof value !== 'object') return;
  for (const [key, inner] of Object.entries(value)) yield* places(inner, [...path, key]);
}

/// The object with something there that nothing may be.
function spoilt(object, path) {
  const copy = structuredClone(object);
  const inner = path.slice(0, -1).reduce((value, key) => value[key], copy);
  inner[path.at(-1)] = Symbol('neither text nor number nor object');
  return copy;
}

test('every object is right, and has no field that its schema does not know', () => {
  for (const object of objects) {
    assert.ok(kinds[object.kind], object.kind);
    new kinds[object.kind](object).validate();
    for (const path of places(object)) assert.ok(!isRight(spoilt(object, path)), `${object.kind}: unknown: ${path.join('.')}`);
  }
});

test('the program accepts its configuration', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-kubernetes-'));
  try {
    writeFileSync(join(folder, 'weft.toml'), configuration());
    execFileSync(process.env.WEFT_BIN, ['check', join(folder, 'weft.toml')]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the times that a pod has are those of the drain', () => {
  const longest = configured('not_ready_for') + configured('deadline');
  assert.ok(pod().terminationGracePeriodSeconds >= longest + 5, `${longest} s and some more`);
  const { readinessProbe: probe } = container();
  assert.ok(probe.periodSeconds * probe.failureThreshold < configured('not_ready_for'), 'a probe notices in time');
});

test('ports and labels are the same on both sides', () => {
  const ports = Object.fromEntries(container().ports.map(({ name, containerPort }) => [name, containerPort]));
  assert.equal(ports.http, Number(/^\[\[listen\]\][^[]*?port = (\d+)/m.exec(configuration())[1]));
  assert.equal(ports.internal, Number(/^\[internal\][^[]*?port = (\d+)/m.exec(configuration())[1]));
  assert.ok(ports[find('Service').spec.ports[0].targetPort]);
  const { labels } = find('Deployment').spec.template.metadata;
  for (const selector of [find('Deployment').spec.selector.matchLabels, find('Service').spec.selector, find('PodDisruptionBudget').spec.selector.matchLabels]) {
    assert.deepEqual(selector, labels);
  }
});

test('it runs without rights', () => {
  assert.deepEqual(container().securityContext, {
    allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] },
  });
  assert.equal(pod().securityContext.runAsNonRoot, true);
});
