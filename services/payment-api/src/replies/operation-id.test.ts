import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { operationId } from './operation-id.ts';

const merchantId = '0193a1b2-0000-7000-8000-000000000001';
const scope = { merchantId, mode: 'test', key: 'key' } as const;

test('an operation id never changes: ids given out before must be found after a release', () => {
  assert.equal(operationId(scope), '0dbca744-f88f-8038-a120-41a1985d5c73');
});

test('it is a UUID of version 8, and the same scope always gives the same', () => {
  fc.assert(
    fc.property(fc.string(), (key) => {
      const id = operationId({ ...scope, key });
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.equal(operationId({ ...scope, key }), id);
    }),
  );
});

test('another merchant, mode or key is another operation, wherever the parts are cut', () => {
  const others = [
    scope,
    { ...scope, merchantId: '0193a1b2-0000-7000-8000-000000000002' },
    { ...scope, mode: 'live' } as const,
    { ...scope, key: 'Key' },
    { ...scope, key: 'key ' },
    // The same letters, divided differently; and a key that imitates the encoding.
    { ...scope, merchantId: `${merchantId}4`, mode: 'test' } as const,
    { ...scope, key: '' },
    { ...scope, key: '3:key' },
  ];
  assert.equal(new Set(others.map(operationId)).size, others.length);
});
