import { toProviderCurrency } from '@centra/money/provider-amount.ts';
import type { Stripe } from 'stripe';
import { z } from 'zod';
import { failureOf } from '../failure.ts';
import type { HostedAttempt, Lookup, Outcome } from '../provider.ts';
import { cardOptions, extraOptions } from './stripe-charge.ts';
import { withinDeadline } from './stripe-client.ts';
import { errorFacts, outcomeOfError } from './stripe-errors.ts';
import { mismatch, outcomeOfIntent } from './stripe-intent.ts';
import type { Expected } from './stripe-intent.ts';
import { descriptorParams, isSameMoney, metadataOf, unitsOf } from './stripe-mapping.ts';

// Stripe closes a session between 30 minutes and 24 hours after it was made (docs.stripe.com/api/checkout/sessions/create).
// A minute of slack on both sides for clocks and the way there.
const LIFETIME_MIN_MS = 31 * 60_000;
const LIFETIME_MAX_MS = (24 * 60 - 1) * 60_000;
// What the guest reads beside the price; Stripe's own limit of a product's name is not published.
const NAME_MAX = 250;
// The description of a payment intent: 1000 characters.
const DESCRIPTION_MAX = 1_000;
const WITH_INTENT = ['payment_intent.latest_charge'];

/** Whether a reference of ours is a Checkout Session and not a payment intent. */
export function isSession(reference: string): boolean {
  return reference.startsWith('cs_');
}

/** Opens the hosted page. */
export async function openSession(
  client: Stripe,
  timeoutMs: number,
  attempt: HostedAttempt,
): Promise<Outcome> {
  return await guarded(timeoutMs, attempt, () =>
    client.checkout.sessions.create(sessionParams(attempt), { idempotencyKey: attempt.providerKey }),
  );
}

/** What a hosted page asks of Stripe. Pure, and without the clock: the same attempt always asks the same. */
export function sessionParams(attempt: HostedAttempt): Stripe.Checkout.SessionCreateParams {
  const metadata = metadataOf(attempt);
  const description = attempt.description.slice(0, DESCRIPTION_MAX);
  return {
    mode: 'payment',
    ui_mode: 'hosted_page',
    allowed_payment_method_types: ['card'],
    line_items: [
      {
        quantity: 1,
        price_data: {
          currency: toProviderCurrency('stripe', attempt.money.currency),
          unit_amount: unitsOf(attempt.money),
          product_data: { name: nameOf(attempt) },
        },
      },
    ],
    client_reference_id: attempt.paymentId,
    ...(attempt.guest.email === '' ? {} : { customer_email: attempt.guest.email }),
    success_url: attempt.successUrl,
    cancel_url: attempt.cancelUrl,
    expires_at: Math.floor(closesAtMs(attempt) / 1_000),
    ...cardOptions(extraOptions(attempt)),
    metadata,
    payment_intent_data: {
      capture_method: attempt.captureMethod,
      ...(description === '' ? {} : { description }),
      ...descriptorParams(attempt),
      metadata,
    },
    expand: WITH_INTENT,
  };
}

function nameOf({ description, bookingReference }: HostedAttempt): string {
  const words = [description, bookingReference].find((text) => text.trim() !== '');
  return (words ?? 'Payment').slice(0, NAME_MAX);
}

function closesAtMs({ createdAt, expiresAt }: HostedAttempt): number {
  const start = createdAt.getTime();
  return Math.min(Math.max(expiresAt.getTime(), start + LIFETIME_MIN_MS), start + LIFETIME_MAX_MS);
}

/** Where the session, or the payment it led to, stands. */
export async function retrieveSession(
  client: Stripe,
  timeoutMs: number,
  expected: Expected,
  reference: string,
): Promise<Outcome> {
  return await guarded(timeoutMs, expected, () =>
    client.checkout.sessions.retrieve(reference, { expand: WITH_INTENT }),
  );
}

/** Closes the page, and answers where it stands then: a guest who paid at the last moment has paid. */
export async function expireSession(
  client: Stripe,
  timeoutMs: number,
  attempt: Expected & { providerKey: string },
  reference: string,
): Promise<Outcome> {
  const expired = await guarded(timeoutMs, attempt, () =>
    client.checkout.sessions.expire(
      reference,
      { expand: WITH_INTENT },
      { idempotencyKey: `${attempt.providerKey}-expire` },
    ),
  );
  return expired.kind === 'declined' && expired.beforeCharge === true
    ? await retrieveSession(client, timeoutMs, attempt, reference)
    : expired;
}

// Sessions cannot be searched for; they are listed by their time instead. An attempt is repeated for at most 24 hours, as
// long as Stripe keeps its key, and clocks may differ by a minute or two.
const LIST_BEFORE_MS = 2 * 60_000;
const LIST_AFTER_MS = 25 * 60 * 60_000;
// 100 is Stripe's largest page; 1000 hosted pages a day are more than any hotel opens.
const PAGE_SIZE = 100;
const PAGES_MAX = 10;

/** Finds the session that carries our operation. */
export async function findSession(
  client: Stripe,
  timeoutMs: number,
  attempt: HostedAttempt,
): Promise<Lookup> {
  const start = attempt.createdAt.getTime();
  const created = {
    gte: Math.floor((start - LIST_BEFORE_MS) / 1_000),
    lte: Math.ceil((start + LIST_AFTER_MS) / 1_000),
  };
  try {
    let after: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const listed = await withinDeadline(
        timeoutMs,
        client.checkout.sessions.list({
          created,
          limit: PAGE_SIZE,
          ...(after === undefined ? {} : { starting_after: after }),
        }),
      );
      const found = listed.data.find(
        ({ metadata }) => metadata?.['centra_operation'] === attempt.operationId,
      );
      if (found !== undefined) return await retrieveSession(client, timeoutMs, attempt, found.id);
      after = listed.data.at(-1)?.id;
      if (!listed.has_more || after === undefined) return { kind: 'absent' };
    }
    return { kind: 'unknown', reason: 'lookup ended: too many sessions of that day' };
  } catch (error) {
    return { kind: 'unknown', reason: `lookup failed: ${errorFacts(error).summary}` };
  }
}

const sessionSchema = z.object({
  id: z.string().min(1).max(255),
  status: z.string().optional().catch(undefined),
  payment_status: z.string().optional().catch(undefined),
  url: z.string().optional().catch(undefined),
  amount_total: z.int().nonnegative().optional().catch(undefined),
  currency: z.string().optional().catch(undefined),
  expires_at: z.int().positive().max(8_640_000_000_000).optional().catch(undefined),
  payment_intent: z.unknown(),
});
type Session = z.infer<typeof sessionSchema>;

const intentSchema = z.object({ id: z.string().min(1).max(255), status: z.string() });

/**
 * What a session means for the operation that opened it. A completed one is what its payment is, and the payment's id is
 * the reference from then on. Total: whatever the value is, it never throws.
 */
export function outcomeOfSession(value: unknown, expected: Expected): Outcome {
  const session = sessionSchema.safeParse(value).data;
  if (session === undefined) return { kind: 'unknown', reason: 'Stripe answered without a session' };
  const providerReference = session.id;
  if (!isSameMoney(session.amount_total, session.currency, expected.money))
    return mismatch(providerReference, 'asks for', session.amount_total, session.currency);
  switch (session.status) {
    case 'open':
      return session.url === undefined
        ? { kind: 'unknown', providerReference, reason: 'Stripe opened a page without an address' }
        : {
            kind: 'requires_action',
            providerReference,
            redirectUrl: session.url,
            ...(session.expires_at === undefined ? {} : { expiresAt: new Date(session.expires_at * 1_000) }),
          };
    case 'expired':
      return closed(session, expected);
    case 'complete':
      return completed(session, expected);
    default:
      return { kind: 'unknown', providerReference, reason: `Stripe says ${String(session.status)}` };
  }
}

/** Over, for this page. A payment that was under way when its time ran out is still that payment. */
function closed(session: Session, expected: Expected): Outcome {
  const over: Outcome = {
    kind: 'declined',
    providerReference: session.id,
    failure: failureOf('authentication_abandoned'),
  };
  if (session.payment_intent === null || session.payment_intent === undefined) return over;
  const intent = intentSchema.safeParse(session.payment_intent).data;
  switch (intent?.status) {
    case 'requires_payment_method':
    case 'requires_confirmation':
    case 'canceled':
      return over;
    case 'succeeded':
    case 'requires_capture':
    case 'processing':
      return completed(session, expected);
    default:
      return {
        kind: 'unknown',
        providerReference: session.id,
        reason: `Stripe says expired, and ${intent?.status ?? 'nothing'} of its payment`,
      };
  }
}

/** The guest has finished. A method that settles later is only slow; its own event or the next look tells. */
function completed(session: Session, expected: Expected): Outcome {
  const intent = intentSchema.safeParse(session.payment_intent).data;
  if (intent === undefined)
    return {
      kind: 'unknown',
      providerReference: session.id,
      reason: `Stripe says complete and ${session.payment_status ?? 'nothing'}, without a payment`,
    };
  if (intent.status === 'processing') return { kind: 'pending', providerReference: intent.id };
  return outcomeOfIntent(session.payment_intent, expected);
}

async function guarded(
  timeoutMs: number,
  expected: Expected,
  call: () => Promise<Stripe.Checkout.Session>,
): Promise<Outcome> {
  try {
    return outcomeOfSession(await withinDeadline(timeoutMs, call()), expected);
  } catch (error) {
    return outcomeOfError(errorFacts(error));
  }
}
