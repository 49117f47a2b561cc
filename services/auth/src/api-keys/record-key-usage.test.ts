import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status as grpcStatus } from '@grpc/grpc-js';
import type { KeyUsage } from '@centra/proto/centra/auth/v1/auth.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import request from 'supertest';
import { DEADLINE_MS, asCaller, createFirstKey, startTestAuth, validate } from '../test-service.ts';
import type { FirstKey, TestAuth } from '../test-service.ts';

let service: TestAuth;
let today: string;
let yesterday: string;
before(async () => {
  service = await startTestAuth();
  const [days] = await service.sql(
    `select (now() at time zone 'UTC')::date::text as today, ((now() at time zone 'UTC')::date - 1)::text as yesterday`,
  );
  today = String(days?.['today']);
  yesterday = String(days?.['yesterday']);
});
after(() => service.close());

async function report(usage: KeyUsage[], reportId = newUuid(), caller = 'api-gateway'): Promise<void> {
  const client = service.client(caller);
  await callUnary(
    client.recordKeyUsage.bind(client),
    { reportId, usage },
    { metadata: callMetadata('req-usage'), deadlineMs: DEADLINE_MS },
  );
}

const usageOf = (key: FirstKey, requests: bigint, day = today): KeyUsage => ({
  merchantId: key.merchantId,
  apiKeyId: key.id,
  day,
  requests,
});

async function daysOf(key: FirstKey, query = ''): Promise<{ data: object[]; next_cursor: string | null }> {
  const caller = asCaller(service, { merchantId: key.merchantId });
  const answer = await caller.get(`/v1/api-keys/${key.id}/usage${query}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

test('reports of both callers add up by day, newest first, beside what validations count', async () => {
  const key = await createFirstKey(service);
  await validate(service, key.secret);
  await report([usageOf(key, 3n), usageOf(key, 2n, yesterday)]);
  await report([usageOf(key, 4n), usageOf(key, 1n)], newUuid(), 'payment-api');
  assert.deepEqual((await daysOf(key)).data, [
    { day: today, requests: 8 },
    { day: yesterday, requests: 2 },
  ]);
  await waitFor('the validation', async () =>
    (
      await service.sql('select from api_key_usage where merchant_id = $1 and validations = 1', [
        key.merchantId,
      ])
    ).length === 1
      ? true
      : undefined,
  );
  assert.deepEqual((await daysOf(key)).data[0], { day: today, requests: 8 });
});

test('a report that comes again counts once, also when both come at the same time', async () => {
  const key = await createFirstKey(service);
  const id = newUuid();
  await Promise.all(Array.from({ length: 5 }, () => report([usageOf(key, 7n)], id)));
  await report([usageOf(key, 7n)], id);
  assert.deepEqual((await daysOf(key)).data, [{ day: today, requests: 7 }]);
});

test('unknown keys, keys of another hotel and days long gone are left out, and the rest is counted', async () => {
  const [key, other] = [await createFirstKey(service), await createFirstKey(service)];
  await report([
    { ...usageOf(key, 1n), merchantId: other.merchantId },
    { ...usageOf(key, 1n), apiKeyId: toPublicId('key', newUuid()) },
    { ...usageOf(key, 1n), apiKeyId: 'key_1' },
    usageOf(key, 1n, '2020-01-01'),
    usageOf(key, 1n, '2099-01-01'),
    usageOf(key, 5n),
  ]);
  assert.deepEqual((await daysOf(key)).data, [{ day: today, requests: 5 }]);
  assert.deepEqual((await daysOf(other)).data, []);
});

test('days come in pages, each once, and days without requests not at all', async () => {
  const key = await createFirstKey(service);
  const id = fromPublicId('key', key.id);
  await service.sql(
    `insert into api_key_usage (merchant_id, api_key_id, day, requests, validations)
     select $1, $2, date '2026-01-01' + n, n % 3, 1 from generate_series(0, 8) as n`,
    [key.merchantId, id],
  );
  const whole = (await daysOf(key)).data;
  assert.deepEqual(whole, [
    { day: '2026-01-09', requests: 2 },
    { day: '2026-01-08', requests: 1 },
    { day: '2026-01-06', requests: 2 },
    { day: '2026-01-05', requests: 1 },
    { day: '2026-01-03', requests: 2 },
    { day: '2026-01-02', requests: 1 },
  ]);
  const paged: object[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: Awaited<ReturnType<typeof daysOf>> = await daysOf(
      key,
      `?limit=4${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    paged.push(...page.data);
    cursor = page.next_cursor;
  }
  assert.deepEqual(paged, whole);
});

describe('refused', () => {
  test('400 for a query that is none, 401 without identity, 403 without the permission', async () => {
    const key = await createFirstKey(service);
    const path = `/v1/api-keys/${key.id}/usage`;
    const { merchantId } = key;
    for (const query of ['limit=0', 'limit=101', 'cursor=x', 'day=2026-01-01', 'limit=1&limit=2'])
      assert.equal((await asCaller(service, { merchantId }).get(`${path}?${query}`)).status, 400, query);
    assert.equal((await request(service.auth.httpUrl).get(path)).status, 401);
    assert.equal((await asCaller(service, { merchantId, scopes: ['payments:read'] }).get(path)).status, 403);
  });

  test('INVALID_ARGUMENT for reports that are too large or malformed, of which nothing is counted', async () => {
    const key = await createFirstKey(service);
    const attempts = [
      () => report([usageOf(key, 1n)], 'not-an-id'),
      () => report(Array.from({ length: 1_001 }, () => usageOf(key, 1n))),
      () => report([usageOf(key, 1n), usageOf(key, 0n)]),
      () => report([usageOf(key, 1n), usageOf(key, -1n)]),
      () => report([usageOf(key, 1n), usageOf(key, 1n, '2026-02-30')]),
      () => report([usageOf(key, 1n), { ...usageOf(key, 1n), merchantId: 'x' }]),
    ];
    for (const attempt of attempts) await assert.rejects(attempt(), { code: grpcStatus.INVALID_ARGUMENT });
    assert.deepEqual((await daysOf(key)).data, []);
  });

  test('PERMISSION_DENIED to services that see no requests', async () => {
    const key = await createFirstKey(service);
    await assert.rejects(report([usageOf(key, 1n)], newUuid(), 'merchant'), {
      code: grpcStatus.PERMISSION_DENIED,
    });
  });
});

test('reports and log-in guards of yesterday are forgotten, younger ones and locks that hold are not', async () => {
  await service.sql(
    `insert into usage_reports (id, received_at)
     select gen_random_uuid(), now() - interval '25 hours' from generate_series(1, 1500)`,
  );
  const young = newUuid();
  await service.sql(`insert into usage_reports (id, received_at) values ($1, now() - interval '23 hours')`, [
    young,
  ]);
  await service.sql(
    `insert into login_guards (account_hash, failures, last_failed_at, locked_until) values
       (sha256('old'), 3, now() - interval '25 hours', null),
       (sha256('unlocked'), 3, now() - interval '25 hours', now() - interval '1 hour'),
       (sha256('locked'), 9, now() - interval '25 hours', now() + interval '1 hour'),
       (sha256('young'), 1, now() - interval '23 hours', null)`,
  );
  await service.startReplica();
  await waitFor('the old rows to go', async () => {
    const old = await service.sql(
      `select from usage_reports where received_at < now() - interval '24 hours'
       union all select from login_guards where account_hash in (sha256('old'), sha256('unlocked'))`,
    );
    return old.length === 0 ? true : undefined;
  });
  assert.equal((await service.sql('select from usage_reports where id = $1', [young])).length, 1);
  assert.equal((await service.sql('select from login_guards')).length, 2);
});
