import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { judgeRun } from './judge-run.ts';
import { applyPlant } from './plant.ts';
import type { Plant } from './plant.ts';
import { PLANTS } from './plants.ts';
import type { TestResult } from './suite-reporter.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
// Promise P22.
const PLANTS_MIN = 15;

const folder = temporaryFolder('planted-test');
after(() => rmSync(folder, { recursive: true, force: true }));

test('P22: there are at least 15 plants, each with a name of its own and words for what it breaks', () => {
  assert.ok(PLANTS.length >= PLANTS_MIN, `${PLANTS.length}`);
  const names = PLANTS.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
  for (const { name, why, edits } of PLANTS) {
    assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)+$/);
    assert.match(why, /(reliability|security) (rows?|rule|I\d+)/, name);
    assert.ok(edits.length > 0, name);
  }
});

describe('each plant applies to the tree as it is', () => {
  for (const plant of PLANTS)
    test(plant.name, () => {
      const copy = join(folder, plant.name);
      for (const { file } of plant.edits) {
        mkdirSync(dirname(join(copy, file)), { recursive: true });
        cpSync(join(ROOT, file), join(copy, file));
      }
      const takeBack = applyPlant(copy, plant);
      assert.equal(typeof takeBack, 'function', String(takeBack));
      for (const { file, find } of plant.edits)
        assert.notEqual(readFileSync(join(copy, file), 'utf8'), readFileSync(join(ROOT, file), 'utf8'), find);
      if (typeof takeBack === 'function') takeBack();
      for (const { file } of plant.edits)
        assert.equal(readFileSync(join(copy, file), 'utf8'), readFileSync(join(ROOT, file), 'utf8'));
    });
});

test('each plant names a test that exists, in a file that npm test runs', () => {
  for (const { name, suite } of PLANTS) {
    assert.match(suite.file, /^(packages|services)\/.+\.test\.ts$/, name);
    assert.ok(existsSync(join(ROOT, suite.file)), `${name}: ${suite.file} is not there`);
    const text = readFileSync(join(ROOT, suite.file), 'utf8');
    const written = suite.written ?? suite.test;
    assert.ok(text.includes(written), `${name}: ${suite.file} has no test "${written}"`);
  }
});

const plantOf = (...edits: Plant['edits']): Plant => ({
  name: 'any',
  why: 'reliability row 1',
  edits,
  suite: { file: 'a.test.ts', test: 'any' },
});

describe('a plant no longer applies', () => {
  const root = import.meta.dirname;
  const edit = { file: 'plants.ts', find: 'export const PLANTS', replace: 'const PLANTS' };
  const text = readFileSync(join(root, edit.file), 'utf8');
  const cases: [why: string, plant: Plant, words: RegExp][] = [
    ['its place is gone', plantOf({ ...edit, find: 'no such text' }), /found 0 times/],
    ['its place is not the only one', plantOf({ ...edit, find: 'Plant' }), /found \d+ times/],
    ['its file is gone', plantOf({ ...edit, file: 'gone.ts' }), /is not there/],
    ['it changes nothing', plantOf({ ...edit, replace: edit.find }), /changes nothing/],
    ['its second edit does not fit', plantOf(edit, { ...edit, find: 'no such text' }), /found 0 times/],
  ];
  for (const [why, broken, words] of cases)
    test(why, () => {
      assert.match(String(applyPlant(root, broken)), words);
      assert.equal(readFileSync(join(root, edit.file), 'utf8'), text, 'nothing is left half done');
    });
});

const refusalOf = (verdict: ReturnType<typeof judgeRun>): string =>
  typeof verdict === 'string' ? verdict : 'it counted';

describe('only a failure of the named test counts', () => {
  const suite = { file: 'a.test.ts', test: 'the guarantee' };
  const failed: TestResult = {
    outcome: 'fail',
    name: suite.test,
    isSuite: false,
    failureType: 'testCodeFailure',
    errorName: 'AssertionError',
    message: '1 !== 2\nand more',
  };
  const judge = (...results: TestResult[]): ReturnType<typeof judgeRun> =>
    judgeRun({ results, isTimedOut: false, output: 'the end' }, suite);

  test('its own code failed', () => {
    assert.deepEqual(judge({ ...failed, name: 'another', outcome: 'pass' }, failed), {
      test: suite.test,
      message: '1 !== 2',
    });
  });

  const cases: [what: string, results: TestResult[], words: RegExp][] = [
    ['it passed', [{ ...failed, outcome: 'pass' }], /no test failed/],
    ['it was skipped', [{ ...failed, outcome: 'skip' }], /skipped/],
    ['another test failed', [{ ...failed, name: 'another' }], /no result/],
    ['a suite of that name failed', [{ ...failed, isSuite: true }], /no result/],
    ['the file could not be loaded', [{ ...failed, name: suite.file }], /no result.*the end/],
    ['nothing ran', [], /no result/],
    ['its hook failed', [{ ...failed, failureType: 'hookFailed' }], /broke off/],
    ['it was canceled with its parent', [{ ...failed, failureType: 'cancelledByParent' }], /broke off/],
    ['it ran out of time', [{ ...failed, failureType: 'testTimeoutFailure' }], /broke off/],
    ['the program is broken', [{ ...failed, errorName: 'ReferenceError' }], /broke off/],
  ];
  for (const [what, results, words] of cases)
    test(`not when ${what}`, () => assert.match(refusalOf(judge(...results)), words));

  test('not when the run had to be ended', () => {
    const verdict = judgeRun({ results: [failed], isTimedOut: true, output: '' }, suite);
    assert.match(refusalOf(verdict), /in time/);
  });
});
