import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { asCaller, createFirstKey, startTestAuth, validate } from '../test-service.ts';
import type { FirstKey, TestAuth } from '../test-service.ts';
import { startUsageRecorder } from './record-usage.ts';

let service: TestAuth;
before(async () => {
  service = await startTestAuth();
});
after(() => service.close());

const log = createLog('auth', 'silent');
// Long enough that nothing is written before a test asks for it.
const NEVER_MS = 60_000;

function ownPool(): Pool {
  return createPool({ url: service.config.databaseUrl, max: 2, applicationName: 'usage-test', log });
}

async function usageOf(key: FirstKey): Promise<{ last: unknown; days: [string, number][] }> {
  const [row] = await service.sql('select last_validated_at from api_keys where merchant_id = $1', [
    key.merchantId,
  ]);
  const days = await service.sql(
    'select day::text as day, validations::int as validations from api_key_usage where merchant_id = $1 order by day',
    [key.merchantId],
  );
  return {
    last: row?.['last_validated_at'],
    days: days.map(({ day, validations }) => [String(day), Number(validations)]),
  };
}

test('use of a key shows as last_used_at, and a refused attempt does not', async () => {
  const key = await createFirstKey(service);
  const caller = asCaller(service, { merchantId: key.merchantId });
  const wrong = `${key.secret.slice(0, -43)}${'a'.repeat(43)}`;
  await assert.rejects(validate(service, wrong));
  await validate(service, key.secret);
  await validate(service, key.secret);
  const body = await waitFor('last_used_at and both validations', async () => {
    const [answer, { days }] = [await caller.get(`/v1/api-keys/${key.id}`), await usageOf(key)];
    return answer.body.last_used_at !== null && days[0]?.[1] === 2 ? answer.body : undefined;
  });
  assert.ok(Date.parse(body.last_used_at) >= Date.parse(body.created_at));
});

test('a validation writes nothing itself; stopping the service writes what was collected', async () => {
  const key = await createFirstKey(service);
  const replica = await service.startReplica({}, { usageFlushIntervalMs: NEVER_MS });
  for (let count = 0; count < 3; count += 1) await validate(service, key.secret, replica);
  assert.deepEqual(await usageOf(key), { last: null, days: [] });
  await replica.close();
  const { last, days } = await usageOf(key);
  assert.ok(last !== null);
  assert.deepEqual(
    days.map(([, validations]) => validations),
    [3],
  );
});

test('days are counted apart in UTC, replicas add up, and a late writer does not set the time back', async () => {
  const key = await createFirstKey(service);
  const keyId = fromPublicId('key', key.id) ?? '';
  const note = async (...times: string[]): Promise<void> => {
    const pool = ownPool();
    const recorder = startUsageRecorder({ pool, log, intervalMs: NEVER_MS });
    for (const time of times) recorder.note({ merchantId: key.merchantId, keyId, at: new Date(time) });
    await recorder.stop();
    await pool.end();
  };
  await note('2030-05-02T00:00:01Z', '2030-05-01T23:59:59Z', '2030-05-02T09:00:00Z');
  await note('2030-05-02T08:00:00Z');
  assert.deepEqual(await usageOf(key), {
    last: new Date('2030-05-02T09:00:00Z'),
    days: [
      ['2030-05-01', 1],
      ['2030-05-02', 3],
    ],
  });
});

test('two replicas that write the same keys at once neither deadlock nor lose a count', async () => {
  const keys = await Promise.all(Array.from({ length: 20 }, () => createFirstKey(service)));
  const at = new Date('2030-05-01T12:00:00Z');
  const write = async (order: FirstKey[]): Promise<void> => {
    const pool = ownPool();
    for (let round = 0; round < 5; round += 1) {
      const recorder = startUsageRecorder({ pool, log, intervalMs: NEVER_MS });
      for (const { merchantId, id } of order)
        recorder.note({ merchantId, keyId: fromPublicId('key', id) ?? '', at });
      await recorder.stop();
    }
    await pool.end();
  };
  await Promise.all([write(keys), write(keys.toReversed())]);
  for (const key of keys) assert.deepEqual((await usageOf(key)).days, [['2030-05-01', 10]]);
});

test('what could not be written is kept and written later', async () => {
  const key = await createFirstKey(service);
  const pool = ownPool();
  await service.sql('alter table api_key_usage rename to api_key_usage_away');
  const recorder = startUsageRecorder({ pool, log, intervalMs: 20 });
  const use = { merchantId: key.merchantId, keyId: fromPublicId('key', key.id) ?? '', at: new Date() };
  recorder.note(use);
  recorder.note(use);
  const failures = (): Promise<true | undefined> =>
    service
      .sql(`select 1 from pg_stat_activity where application_name = 'usage-test' and query = 'rollback'`)
      .then((rows) => (rows.length > 0 ? true : undefined));
  await waitFor('a failed write', failures);
  await service.sql('alter table api_key_usage_away rename to api_key_usage');
  await waitFor('the later write', async () => ((await usageOf(key)).days[0]?.[1] === 2 ? true : undefined));
  await recorder.stop();
  await pool.end();
});
