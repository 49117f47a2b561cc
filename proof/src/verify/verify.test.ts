import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { smallRun } from './small-run.ts';
import { writeSmallRun } from './small-run-file.ts';
import type { SmallRun } from './small-run-file.ts';
import { MONEY_TAMPERINGS } from './tamperings-money.ts';
import { DATA_KEYS } from './small-run-sealing.ts';
import { RECORD_TAMPERINGS } from './tamperings-record.ts';
import { SETTINGS_TAMPERINGS } from './tamperings-settings.ts';
import { toChecks, verifyRun } from './verify.ts';
import type { Verdict } from './verify.ts';

const TAMPERINGS = [...MONEY_TAMPERINGS, ...RECORD_TAMPERINGS, ...SETTINGS_TAMPERINGS];

function verdictsOf(run: SmallRun): Verdict[] {
  const folder = temporaryFolder('verify');
  try {
    writeSmallRun(run, folder);
    return verifyRun(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function broken(verdicts: readonly Verdict[]): string[] {
  return verdicts.flatMap(({ invariant, violations }) => (violations > 0 ? [invariant] : []));
}

const NOT_YET = ['I10', 'I14', 'I16', 'I17', 'I18', 'I22', 'I24', 'I25', 'I28', 'I29'];

test('every invariant is judged of a run that has everything, or says why not, and such a run holds', () => {
  const verdicts = verdictsOf(smallRun());
  assert.deepEqual(
    verdicts.map(({ invariant }) => invariant),
    Array.from({ length: 30 }, (_, index) => `I${index + 1}`),
  );
  assert.deepEqual(
    verdicts.filter(({ violations }) => violations > 0),
    [],
  );
  const notYet = verdicts.filter((verdict) => verdict.notYet !== undefined);
  assert.deepEqual(
    notYet.map(({ invariant }) => invariant),
    NOT_YET,
  );
  for (const { invariant, checked } of verdicts)
    assert.equal(checked > 0, !NOT_YET.includes(invariant), `${invariant} looked at ${checked}`);
});

for (const { invariant, name, tamper } of TAMPERINGS)
  test(`${invariant} catches ${name}`, () => {
    const run = smallRun();
    tamper(run);
    const verdicts = verdictsOf(run);
    assert.ok(
      broken(verdicts).includes(invariant),
      `only ${broken(verdicts).join(', ') || 'nothing'} was broken`,
    );
    const { checks } = toChecks(verdicts);
    assert.ok(checks.some((check) => check.name.startsWith(`${invariant} `) && check.failure !== undefined));
  });

test('what Vault wrapped is left out with a word, and the rest is opened all the same', () => {
  const run = smallRun();
  const [first] = run.files[DATA_KEYS] ?? [];
  Object.assign(first ?? {}, { master_key_id: 'vault:transit/centra', wrapped: 'vault:v1:AAAA' });
  const verdicts = verdictsOf(run);
  const { checks, notes } = toChecks(verdicts);
  assert.equal(checks.find(({ name }) => name.startsWith('I21 '))?.failure, undefined);
  assert.ok(
    notes.some((note) => note.startsWith('I21: 1 data keys are wrapped by Vault')),
    notes.join(),
  );
  const whole = verdictsOf(smallRun()).find(({ invariant }) => invariant === 'I21');
  const part = verdicts.find(({ invariant }) => invariant === 'I21');
  assert.ok(part !== undefined && whole !== undefined && part.checked > 2 && part.checked < whole.checked);
});

test('every invariant that is judged has something that breaks it', () => {
  const tampered = new Set<string>(TAMPERINGS.map(({ invariant }) => invariant));
  const judged = Array.from({ length: 30 }, (_, index) => `I${index + 1}`).filter(
    (one) => !NOT_YET.includes(one),
  );
  assert.deepEqual(
    judged.filter((one) => !tampered.has(one)),
    [],
  );
});

test('a run without a dump, or with an unreadable line, is not judged at all', () => {
  const withoutTable = smallRun();
  delete withoutTable.files['dump/transaction/payments.jsonl'];
  assert.throws(() => verdictsOf(withoutTable), /no transaction\/payments\.jsonl/);
  const unreadable = smallRun();
  const [payment] = unreadable.files['dump/transaction/payments.jsonl'] ?? [];
  delete payment?.['captured_minor'];
  assert.throws(() => verdictsOf(unreadable), /payments\.jsonl, line 1/);
});

test('an invariant that finds nothing to look at is broken, not held', () => {
  const run = smallRun();
  for (const file of Object.keys(run.files))
    if (file.startsWith('dump/transaction/') && !file.includes('/pg_')) run.files[file] = [];
  run.files['stripe.jsonl'] = [];
  const verdicts = verdictsOf(run);
  assert.ok(['I1', 'I2', 'I5', 'I6', 'I9', 'I12', 'I13'].every((one) => broken(verdicts).includes(one)));
});
