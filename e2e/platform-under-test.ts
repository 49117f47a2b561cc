import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startPlatform } from '@centra/dev/platform.ts';
import type { Platform, PlatformOptions } from '@centra/dev/platform.ts';
import { clientOf, createHotel } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { captureTestCard } from '@centra/dev/take-payment.ts';
import { PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { Client } from 'pg';
import { request } from 'undici';
import { z } from 'zod';

/** Short leases, so that a story about a crash does not wait for the minutes that production waits. */
export const IMPATIENT: Readonly<Record<string, string>> = {
  PROVIDER_TIMEOUT_MS: '2000',
  OPERATION_LEASE_MS: '5000',
  SWEEP_INTERVAL_MS: '100',
};

export type PlatformUnderTest = Platform & { crashes: string[]; end(): Promise<void> };

/** A platform of this test file's own, on free ports and in a folder that goes away. */
export async function startPlatformUnderTest(
  options: Partial<PlatformOptions> = {},
): Promise<PlatformUnderTest> {
  const folder = temporaryFolder('e2e');
  const crashes: string[] = [];
  const platform = await startPlatform({
    dataDir: join(folder, 'data'),
    ports: 'free',
    say: () => {},
    env: { transaction: IMPATIENT },
    onCrash: (name, code, signal, lastLines) => crashes.push(`${name} ${signal ?? code}\n${lastLines}`),
    ...options,
  });
  return {
    ...platform,
    crashes,
    async end() {
      await platform.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PaymentService as the booking API calls it. */
export function bookingClient({ grpc, tlsFiles }: Platform): PaymentServiceClient {
  const to = { address: grpc['payment-api'], server: 'payment-api' };
  return clientOf({ tlsFiles }, 'booking-api', PaymentServiceClient, to);
}

export async function onboardHotel(platform: Platform, name = 'Riad Test'): Promise<Hotel> {
  return await createHotel(platform, { name });
}

export const problemSchema = z
  .object({
    status: z.int(),
    code: z.string(),
    detail: z.string().optional(),
    errors: z.array(z.object({ field: z.string(), reason: z.string() })).optional(),
  })
  .loose();

export const paymentSchema = z
  .object({
    id: z.string(),
    status: z.enum(['processing', 'requires_action', 'succeeded', 'failed']),
    amount: z.int(),
    currency: z.string(),
    amount_captured: z.int(),
    provider_reference: z.string().nullable(),
    booking_reference: z.string(),
    failure: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }).nullable(),
    next_action: z.object({ redirect_url: z.string() }).loose().nullable(),
  })
  .loose();

export type Answer = {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: unknown;
};

/** One request to the public door. */
export async function call(
  platform: Platform,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  options: { apiKey?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answer> {
  const { statusCode, headers, body } = await request(`${platform.gatewayUrl}${path}`, {
    method,
    headers: {
      ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    body: options.body ?? null,
    headersTimeout: 90_000,
    bodyTimeout: 90_000,
  });
  const text = await body.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: statusCode, headers, text, json };
}

export type Charge = {
  cardToken: string;
  amount?: number;
  currency?: string;
  key?: string;
  extra?: Record<string, unknown>;
};

/** `POST /v1/charge` as a booking engine makes it. */
export async function charge(
  platform: Platform,
  hotel: Pick<Hotel, 'apiKey'>,
  wanted: Charge,
): Promise<Answer> {
  return await call(platform, 'POST', '/v1/charge', {
    apiKey: hotel.apiKey,
    headers: { 'idempotency-key': wanted.key ?? randomUUID() },
    body: JSON.stringify({
      card_token: wanted.cardToken,
      amount: wanted.amount ?? 12_550,
      currency: wanted.currency ?? 'EUR',
      booking_reference: 'BK-E2E',
      ...wanted.extra,
    }),
  });
}

export async function card(platform: Platform, hotel: Hotel, number = '4242424242424242'): Promise<string> {
  return await captureTestCard(platform, hotel, number);
}

/** The payment once it no longer moves by itself. */
export async function settledPayment(
  platform: Platform,
  hotel: Pick<Hotel, 'apiKey'>,
  id: string,
): Promise<z.infer<typeof paymentSchema>> {
  return await waitFor(
    `payment ${id} to settle`,
    async () => {
      const { status, json } = await call(platform, 'GET', `/v1/payments/${id}`, { apiKey: hotel.apiKey });
      if (status !== 200) return undefined;
      const payment = paymentSchema.parse(json);
      return payment.status === 'processing' ? undefined : payment;
    },
    60_000,
  );
}

const entrySchema = z
  .object({
    kind: z.string(),
    effect: z.string().optional(),
    idempotency_key: z.string().nullish(),
    path: z.string().optional(),
    method: z.string().optional(),
    amount: z.int().optional(),
    currency: z.string().optional(),
    metadata: z.record(z.string(), z.string()).optional(),
  })
  .loose();
export type JournalEntry = z.infer<typeof entrySchema>;

/** Everything in a simulator's journal: what really happened in the outside world. */
export async function journal(simulatorUrl: string): Promise<JournalEntry[]> {
  const all: JournalEntry[] = [];
  for (let after = 0; ;) {
    const { body } = await request(`${simulatorUrl}/_control/journal?after=${after}`);
    const page = z.object({ entries: z.array(entrySchema), last_seq: z.int() }).parse(await body.json());
    if (page.entries.length === 0) return all;
    all.push(...page.entries);
    const last = page.entries.at(-1);
    after = z.object({ seq: z.int() }).parse(last).seq;
  }
}

/** Charges that moved money at Stripe for a payment. */
export async function chargesOf(platform: Platform, paymentId: string): Promise<JournalEntry[]> {
  const entries = await journal(platform.stripeUrl);
  return entries.filter(
    (entry) =>
      entry.kind === 'effect' &&
      entry.effect === 'charge.succeeded' &&
      entry.metadata?.['centra_payment'] === paymentId,
  );
}

/** Arms a fault at a simulator. */
export async function arm(simulatorUrl: string, fault: Record<string, unknown>): Promise<void> {
  const { statusCode, body } = await request(`${simulatorUrl}/_control/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
  });
  const text = await body.text();
  if (statusCode !== 201) throw new Error(`the fault was not armed: ${statusCode} ${text}`);
}

/** Rows of a service's database, read as the superuser. */
export async function rows<T extends z.ZodType>(
  platform: Platform,
  service: string,
  sql: string,
  schema: T,
  values: unknown[] = [],
): Promise<z.infer<T>[]> {
  const url = new URL(platform.databaseUrls[service] ?? '');
  url.username = 'postgres';
  const client = new Client({ connectionString: url.toString() });
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(sql, values);
    return z.array(schema).parse(result.rows);
  } finally {
    await client.end();
  }
}

/** How many payments, operations, history and outbox rows there are. */
export async function countMoneyRows(platform: Platform): Promise<number> {
  const [row] = await rows(
    platform,
    'transaction',
    `select ((select count(*) from payments) + (select count(*) from operations) + (select count(*) from payment_events)
      + (select count(*) from outbox))::int as count`,
    z.object({ count: z.int() }),
  );
  return row?.count ?? 0;
}
