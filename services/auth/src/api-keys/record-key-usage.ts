import type { RecordKeyUsageRequest, RecordKeyUsageResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { inTransaction } from '@centra/service-kit/database.ts';
import type { PoolClient } from '@centra/service-kit/database.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { lockUsage } from './record-usage.ts';

// What the reporter sends at most; the statement's arrays stay far under a megabyte.
const ENTRIES_MAX = 1_000;
// More than a replica answers in the hours that a report may wait.
const REQUESTS_MAX = 10n ** 10n;

const recordKeyUsageSchema = z.strictObject({
  reportId: z.uuid(),
  usage: z
    .array(
      z.strictObject({
        merchantId: z.uuid(),
        apiKeyId: z.string().max(64),
        day: z.iso.date(),
        requests: z.bigint().min(1n).max(REQUESTS_MAX),
      }),
    )
    .max(ENTRIES_MAX),
});

type Entry = z.infer<typeof recordKeyUsageSchema>['usage'][number];

/**
 * RecordKeyUsage: adds requests to the daily counts; a report that comes again changes nothing. What names no key of that
 * merchant, or a day that is not about now, is left out and logged: one bad entry must not cost the others.
 */
export async function recordKeyUsage(
  context: Context,
  request: RecordKeyUsageRequest,
  call: CallContext,
): Promise<RecordKeyUsageResponse> {
  const { reportId, usage } = parseWith(recordKeyUsageSchema, request);
  const counted = await inTransaction(context.pool, (client) => record(client, reportId, usage));
  if (counted !== undefined && counted < usage.length)
    context.log.warn(
      { caller: call.caller, entries: usage.length, counted, requestId: call.requestId },
      'use of unknown keys or on other days was not counted',
    );
  return {};
}

/** How many entries were counted; undefined when the report had come before. */
async function record(
  client: PoolClient,
  reportId: string,
  usage: readonly Entry[],
): Promise<number | undefined> {
  await lockUsage(client);
  const { rowCount } = await client.query({
    name: 'record-report',
    text: 'insert into usage_reports (id) values ($1) on conflict do nothing',
    values: [reportId],
  });
  if (rowCount === 0) return undefined;
  const entries = usage.map((entry) => ({ ...entry, keyId: fromPublicId('key', entry.apiKeyId) ?? null }));
  const { rows } = await client.query<{ counted: number }>({
    name: 'record-key-usage',
    text: RECORD,
    values: [
      entries.map((entry) => entry.merchantId),
      entries.map((entry) => entry.keyId),
      entries.map((entry) => entry.day),
      entries.map((entry) => String(entry.requests)),
    ],
  });
  return rows[0]?.counted ?? 0;
}

// A report waits for hours at most while we cannot be reached, and clocks differ by less than a day.
const RECORD = `
with reported as (
  select * from unnest($1::uuid[], $2::uuid[], $3::date[], $4::bigint[]) as reported (merchant_id, api_key_id, day, requests)
), known as (
  select reported.* from reported
  join api_keys on api_keys.merchant_id = reported.merchant_id and api_keys.id = reported.api_key_id
  where reported.day between (now() at time zone 'UTC')::date - 2 and (now() at time zone 'UTC')::date + 1
), counted as (
  insert into api_key_usage as usage (merchant_id, api_key_id, day, requests)
  select merchant_id, api_key_id, day, sum(requests)::bigint from known group by merchant_id, api_key_id, day
  on conflict (merchant_id, api_key_id, day) do update set requests = usage.requests + excluded.requests
)
select count(*)::int as counted from known`;
