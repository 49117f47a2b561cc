import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseStrictJson } from '@centra/service-kit/strict-json.ts';
import { canonicalJson, fingerprintOf } from './fingerprint.ts';

const request = fc.record(
  {
    amount: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    description: fc.string({ unit: 'grapheme' }),
    guest: fc.record({ name: fc.string(), email: fc.string() }, { requiredKeys: [] }),
    metadata: fc.dictionary(fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/), fc.string()),
  },
  { requiredKeys: ['amount'] },
);

test('27: the order of keys and the spacing do not change a fingerprint', () => {
  fc.assert(
    fc.property(
      request,
      fc.infiniteStream(fc.nat()),
      fc.constantFrom(0, 1, 4, '\t', ' \n'),
      (value, dice, space) => {
        const respelt: unknown = JSON.parse(JSON.stringify(shuffled(value, dice), null, space));
        assert.deepEqual(fingerprintOf(respelt), fingerprintOf(value));
      },
    ),
  );
});

test('any change of a value, a key or a presence changes the fingerprint', () => {
  fc.assert(
    fc.property(request, request, (a, b) => {
      let same = true;
      try {
        assert.deepStrictEqual(plain(a), plain(b));
      } catch {
        same = false;
      }
      assert.equal(fingerprintOf(a).equals(fingerprintOf(b)), same);
    }),
  );
  const base = { amount: 100, metadata: { a: '1' } };
  const changed: unknown[] = [
    { amount: 101, metadata: { a: '1' } },
    { amount: '100', metadata: { a: '1' } },
    { amount: 100, metadata: { a: '1 ' } },
    { amount: 100, metadata: { A: '1' } },
    { amount: 100, metadata: { a: '1', b: '' } },
    { amount: 100, metadata: {} },
    { amount: 100 },
    { amount: 100, metadata: { a: '1' }, description: '' },
    { amount: 100, metadata: { 'a":"1","b': '1' } },
    // The same to the eye, but not the same text.
    { amount: 100, metadata: { a: '１' } },
  ];
  for (const other of changed)
    assert.notDeepEqual(fingerprintOf(other), fingerprintOf(base), JSON.stringify(other));
});

test('the canonical form is JSON of the same value, sorted and without spaces', () => {
  fc.assert(
    fc.property(request, (value) => {
      assert.deepEqual(JSON.parse(canonicalJson(value)), plain(value));
    }),
  );
  const value = parseStrictJson(Buffer.from('{ "b": [ {"z":1,"y":null} , true ], "a" : "\\u00e9\\n" }'));
  assert.equal(canonicalJson(value), '{"a":"é\\n","b":[{"y":null,"z":1},true]}');
});

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown, dice: Iterator<number>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const thrown = Object.entries(value).map((entry): [number, [string, unknown]] => [
    Number(dice.next().value),
    entry,
  ]);
  return Object.fromEntries(
    thrown.toSorted(([a], [b]) => a - b).map(([, [key, member]]) => [key, shuffled(member, dice)]),
  );
}
