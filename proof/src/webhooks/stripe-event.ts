import { createHmac, randomBytes } from 'node:crypto';
import { request } from 'undici';
import { z } from 'zod';

// Webhooks as Stripe posts them (docs.stripe.com/webhooks, "Verify webhook signatures manually"), made here so that they can be
// posted in any order, as often as wanted, altered, and signed with whichever secret.

const eventSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  created: z.int(),
  livemode: z.boolean(),
  data: z.looseObject({ object: z.record(z.string(), z.unknown()) }),
});
export type StripeEvent = z.infer<typeof eventSchema>;

// The largest page that Stripe gives out.
const PAGE = 100;
const TIMEOUT_MS = 15_000;

/** Everything that happened on an account, the oldest first, as Stripe would tell it. */
export async function eventsAtStripe(stripeUrl: string, stripeKey: string): Promise<StripeEvent[]> {
  const events: StripeEvent[] = [];
  for (;;) {
    const last = events.at(-1);
    const after = last === undefined ? '' : `&starting_after=${last.id}`;
    const answer = await request(`${stripeUrl}/v1/events?limit=${PAGE}${after}`, {
      headers: { authorization: `Bearer ${stripeKey}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const page = pageSchema.parse(await answer.body.json());
    events.push(...page.data);
    if (!page.has_more || page.data.length === 0) return events.toReversed();
  }
}

const pageSchema = z.object({ data: z.array(eventSchema), has_more: z.boolean() });

/** The same fact under another event id, with what is to differ of its object. */
export function under(event: StripeEvent, change: Readonly<Record<string, unknown>> = {}): StripeEvent {
  const object = { ...event.data.object, ...change };
  return { ...event, id: `evt_${randomBytes(12).toString('hex')}`, data: { ...event.data, object } };
}

/** An event about a payment that is what the caller says it is. */
export function madeUpEvent(
  object: Readonly<Record<string, unknown>>,
  type = 'charge.refunded',
): StripeEvent {
  return {
    id: `evt_${randomBytes(12).toString('hex')}`,
    object: 'event',
    type,
    created: Math.floor(Date.now() / 1_000),
    livemode: false,
    data: { object: { ...object } },
  };
}

export type Posted = { status: number; text: string; milliseconds: number };

/** The value of the `Stripe-Signature` header; several secrets are what Stripe sends while one is rolled. */
export function signatureOf(body: string, secrets: readonly string[], atMs = Date.now()): string {
  const time = Math.floor(atMs / 1_000);
  const parts = secrets.map(
    (secret) => `v1=${createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')}`,
  );
  return [`t=${time}`, ...parts].join(',');
}

/** Posts a webhook; without a signature where none is given. Throws when there is no answer at all. */
export async function postWebhook(url: string, body: string, signature: string | undefined): Promise<Posted> {
  const startedAt = performance.now();
  const answer = await request(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(signature === undefined ? {} : { 'stripe-signature': signature }),
    },
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, text, milliseconds: performance.now() - startedAt };
}
