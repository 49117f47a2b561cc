import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAILPOINTS } from '@centra/service-kit/failpoint.ts';
import { seeded } from '@centra/testkit/seeded.ts';
import { KINDS, PROVIDERS, drawCases, nameOf, planCases, stepOf, waitsForAbsence } from './crash-cases.ts';

const { cases, impossible } = planCases();
const names = Object.values(FAILPOINTS).flat();

test('every failpoint meets every operation and adapter, or it is said why it cannot', () => {
  const all = names.reduce(
    (sum, name) => sum + (stepOf(name) === name ? KINDS.length : 1) * PROVIDERS.length,
    0,
  );
  const excused = impossible.flatMap((line) => line.slice(line.indexOf('): ')).split(', '));
  assert.equal(cases.length + excused.length, all);
  assert.equal(new Set(cases.map(nameOf)).size, cases.length);
  assert.ok(cases.length >= 150, String(cases.length));
  for (const name of names)
    assert.ok(
      cases.some(({ failpoint }) => failpoint === name),
      name,
    );
});

test('the short profile meets each step, each operation and each adapter, for every seed, and waits for no minute', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const drawn = drawCases(cases, seeded(seed));
    assert.equal(new Set(drawn.map(nameOf)).size, drawn.length);
    assert.deepEqual(new Set(drawn.map(({ failpoint }) => stepOf(failpoint))), new Set(names.map(stepOf)));
    assert.deepEqual(new Set(drawn.map(({ kind }) => kind)), new Set(KINDS));
    assert.deepEqual(new Set(drawn.map(({ provider }) => provider)), new Set(PROVIDERS));
    assert.ok(!drawn.some(waitsForAbsence));
    assert.ok(drawn.length <= 24, String(drawn.length));
  }
});

test('the same seed draws the same cases, another one others', () => {
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
});

function draw(seed: number): string[] {
  return drawCases(cases, seeded(seed)).map(nameOf);
}
