import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { CreateApiKeyRequest, CreateApiKeyResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { DEADLINE_MS, startTestAuth, validate } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const valid = (): CreateApiKeyRequest => ({
  merchantId: newUuid(),
  mode: Mode.MODE_LIVE,
  name: 'First key',
  scopes: ['api_keys:write', 'payments:write'],
  expiresAt: undefined,
});

async function create(request: CreateApiKeyRequest, caller = 'operator'): Promise<CreateApiKeyResponse> {
  const client = service.client(caller);
  const metadata = callMetadata('req-operator');
  return await callUnary(client.createApiKey.bind(client), request, { metadata, deadlineMs: DEADLINE_MS });
}

test("the operator makes a merchant's first key, and the audit trail begins with it", async () => {
  const request = valid();
  const { apiKeyId, secret } = await create(request);
  const answer = await validate(service, secret);
  assert.deepEqual(
    [answer.apiKeyId, answer.merchantId, answer.mode],
    [apiKeyId, request.merchantId, Mode.MODE_LIVE],
  );
  const events = await service.sql('select * from audit_events where merchant_id = $1', [request.merchantId]);
  assert.equal(events.length, 1);
  const { action, actor, object_id, request_id, sequence } = events[0] ?? {};
  assert.deepEqual(
    [action, actor, object_id, request_id],
    ['api_key.created', 'operator', apiKeyId, 'req-operator'],
  );
  assert.equal(sequence, '1');
});

test('no service but the operator may make one', async () => {
  for (const caller of ['api-gateway', 'payment-api', 'merchant', 'transaction', 'auth']) {
    const request = valid();
    await assert.rejects(create(request, caller), { code: grpcStatus.PERMISSION_DENIED }, caller);
    assert.deepEqual(
      await service.sql('select 1 from api_keys where merchant_id = $1', [request.merchantId]),
      [],
    );
  }
});

describe('INVALID_ARGUMENT', () => {
  const cases: [string, Partial<CreateApiKeyRequest>][] = [
    ['no mode', { mode: Mode.MODE_UNSPECIFIED }],
    ['no name', { name: '' }],
    ['no scopes', { scopes: [] }],
    ['an unknown scope', { scopes: ['all'] }],
    ['a merchant that is not a UUID', { merchantId: 'mer_1' }],
    ['an expiry in the past', { expiresAt: new Date('2020-01-01T00:00:00Z') }],
    ['a card number for a name', { name: '4242424242424242' }],
  ];
  for (const [what, change] of cases)
    test(`${what} makes no key`, async () => {
      const request = { ...valid(), ...change };
      await assert.rejects(create(request), { code: grpcStatus.INVALID_ARGUMENT });
      const rows = await service.sql('select 1 from api_keys where merchant_id::text = $1', [
        request.merchantId,
      ]);
      assert.deepEqual(rows, []);
    });
});
