import { randomUUID } from 'node:crypto';
import type { Hotel } from '@centra/dev/seed.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { Metadata } from '@grpc/grpc-js';
import { request } from 'undici';
import { z } from 'zod';
import { call, card, journal, rows } from './platform-under-test.ts';
import type { Answer, JournalEntry, PlatformUnderTest } from './platform-under-test.ts';

/** A payment with everything that its operations change. */
export const paymentBookSchema = z
  .object({
    id: z.string(),
    status: z.string(),
    amount: z.int(),
    amount_authorized: z.int(),
    amount_captured: z.int(),
    amount_refunded: z.int(),
    amount_authorize_pending: z.int(),
    amount_capture_pending: z.int(),
    amount_refund_pending: z.int(),
    hold: z.object({ amount_capturable: z.int() }).loose().nullable(),
    cancellation_reason: z.string().nullable(),
    disputed: z.boolean(),
    provider_reference: z.string().nullable(),
    next_action: z.object({ redirect_url: z.string() }).loose().nullable(),
    failure: z.object({ code: z.string() }).loose().nullable(),
  })
  .loose();
export type PaymentBook = z.infer<typeof paymentBookSchema>;

/** `POST` of an operation, with a key of its own unless told one. */
export async function operate(
  platform: PlatformUnderTest,
  hotel: Pick<Hotel, 'apiKey'>,
  path: string,
  body: Record<string, unknown> = {},
  key: string = randomUUID(),
): Promise<Answer> {
  return await call(platform, 'POST', path, {
    apiKey: hotel.apiKey,
    headers: { 'idempotency-key': key },
    body: JSON.stringify(body),
  });
}

/** `POST /v1/payments` with a card of the hotel's vault: EUR 125.50, held, with all extras, unless told otherwise. */
export async function newPayment(
  platform: PlatformUnderTest,
  hotel: Hotel,
  change: Record<string, unknown> = {},
  cardNumber?: string,
): Promise<PaymentBook> {
  const answer = await operate(platform, hotel, '/v1/payments', {
    card_token: await card(platform, hotel, cardNumber),
    amount: 12_550,
    currency: 'EUR',
    booking_reference: 'BK-E2E',
    capture_method: 'manual',
    extras: { multiple_capture: true, incremental: true },
    ...change,
  });
  if (answer.status !== 201 && answer.status !== 202) throw new Error(`${answer.status} ${answer.text}`);
  return paymentBookSchema.parse(answer.json);
}

export async function readPayment(
  platform: PlatformUnderTest,
  hotel: Pick<Hotel, 'apiKey'>,
  id: string,
): Promise<PaymentBook> {
  const answer = await call(platform, 'GET', `/v1/payments/${id}`, { apiKey: hotel.apiKey });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return paymentBookSchema.parse(answer.json);
}

/** The payment once it is as `is` wants it. */
export async function paymentWhen(
  platform: PlatformUnderTest,
  hotel: Pick<Hotel, 'apiKey'>,
  id: string,
  what: string,
  is: (payment: PaymentBook) => boolean,
): Promise<PaymentBook> {
  return await waitFor(
    `payment ${id} to be ${what}`,
    async () => {
      const payment = await readPayment(platform, hotel, id);
      return is(payment) ? payment : undefined;
    },
    60_000,
  );
}

/** Everything of one name that Stripe really did on a payment, by its own object's id. */
export async function effectsOn(
  platform: PlatformUnderTest,
  { provider_reference: reference }: Pick<PaymentBook, 'provider_reference'>,
  effect: string,
): Promise<JournalEntry[]> {
  const entries = await journal(platform.stripeUrl);
  return entries.filter(
    (entry) => entry.kind === 'effect' && entry.effect === effect && entry['payment_intent'] === reference,
  );
}

const stepSchema = z.object({ version: z.int(), type: z.string() });

/** The history of a payment and what is to be told of it, as they are stored. */
export async function storedSteps(
  platform: PlatformUnderTest,
  bookingReference: string,
): Promise<{ events: string[]; outbox: string[] }> {
  const read = async (table: string): Promise<string[]> => {
    const found = await rows(
      platform,
      'transaction',
      `select x.version, x.type from ${table} x join payments p on p.merchant_id = x.merchant_id and p.id = x.payment_id
        where p.booking_reference = $1 order by x.version`,
      stepSchema,
      [bookingReference],
    );
    return found.map(({ version, type }) => `${version} ${type}`);
  };
  return { events: await read('payment_events'), outbox: await read('outbox') };
}

/** Clears every fault of a simulator. */
export async function disarm(simulatorUrl: string): Promise<void> {
  const { statusCode, body } = await request(`${simulatorUrl}/_control/faults`, { method: 'DELETE' });
  await body.dump();
  if (statusCode >= 400) throw new Error(`the faults were not cleared: ${statusCode}`);
}

/** Tells Stripe's simulator what its bank does next. */
export async function control(
  platform: PlatformUnderTest,
  path: string,
  body: Record<string, unknown>,
): Promise<unknown> {
  const answer = await request(`${platform.stripeUrl}/_control${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 400) throw new Error(`POST ${path}: ${answer.statusCode} ${text}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

export function eur(amountMinor: bigint): { amountMinor: bigint; currency: string } {
  return { amountMinor, currency: 'EUR' };
}

/** A hotel's credential for a gRPC call. */
export function as({ apiKey }: Pick<Hotel, 'apiKey'>): { metadata: Metadata; deadlineMs: number } {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${apiKey}`);
  return { metadata, deadlineMs: 30_000 };
}

export const refundSchema = z.object({ id: z.string(), status: z.string(), amount: z.int() }).loose();

/** A page of a list. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.object({ data: z.array(item) }).loose();
}
