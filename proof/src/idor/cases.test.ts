import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CALL_CASES } from './call-cases.ts';
import { callsOf, describedCalls, describedRoutes } from './described.ts';
import { ROUTE_CASES } from './route-cases.ts';

test('every route of the OpenAPI document has a case of a foreign hotel, and every case is a route', () => {
  assert.deepEqual(ROUTE_CASES.map(({ of }) => of).toSorted(), describedRoutes());
  assert.ok(describedRoutes().includes('GET /v1/payments/{id}'), 'the document was read');
});

test('every RPC of every proto file has a case of a foreign hotel or caller, and every case is an RPC', () => {
  assert.deepEqual(CALL_CASES.map(({ of }) => of).toSorted(), describedCalls());
  assert.ok(describedCalls().includes('centra.auth.v1.AuthService/WatchRevocations'), 'the files were read');
});

test('no case is empty, and no attempt has the name of another one of its case', () => {
  for (const { of, attempts } of [...ROUTE_CASES, ...CALL_CASES]) {
    assert.ok(attempts.length > 0, of);
    assert.deepEqual(
      attempts.map(({ name }) => name),
      [...new Set(attempts.map(({ name }) => name))],
      of,
    );
  }
});

test('an RPC is found whatever stands around it, and words in comments are none', () => {
  const proto = `
    package centra.new.v1;
    // service Old { rpc Gone(A) returns (B); }
    service First { rpc One (A) returns (B) { option x = 1; }
      /* rpc Never(A) returns (B); */ rpc Two(stream A) returns (stream B); }
    service Second
    {
      rpc Three(A) returns (B);
    }`;
  assert.deepEqual(callsOf(proto), [
    'centra.new.v1.First/One',
    'centra.new.v1.First/Two',
    'centra.new.v1.Second/Three',
  ]);
});
