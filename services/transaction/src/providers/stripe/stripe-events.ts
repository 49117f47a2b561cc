import { AppError } from '@centra/service-kit/errors.ts';
import { Stripe } from 'stripe';
import { z } from 'zod';
import type { OpenedAccount } from '../provider-account.ts';
import type { EventFact, EventHint } from '../provider.ts';
import { moneyOf } from './stripe-mapping.ts';

// Stripe's own default: an older signature may be a recorded one. One from as far ahead would be good for longer than that.
const TOLERANCE_SECONDS = 300;

/** Checks Stripe's signature over the raw bytes and reads the fact. Throws AppError `signature_invalid`. */
export function readEvent(
  account: OpenedAccount,
  rawBody: Buffer,
  headers: Readonly<Record<string, string>>,
): EventFact {
  const secret = account.credentials.get('webhook_secret')?.reveal() ?? '';
  if (secret === '') throw refused('the account has no webhook secret');
  const header = Object.entries(headers).find(([name]) => name.toLowerCase() === 'stripe-signature')?.[1];
  if (header === undefined) throw refused('no stripe-signature header');
  try {
    // Any v1 counts: while a secret is rolled Stripe signs with both. What it parsed is read again below, by our schema.
    Stripe.webhooks.constructEvent(rawBody, header, secret, TOLERANCE_SECONDS);
  } catch {
    // The SDK's message quotes the body; ours does not.
    throw refused('no signature of this account fits, or it is too old');
  }
  // The SDK looks only at how old it is, and takes what is no time at all for fresh.
  const isDue = signedAt(header) - Date.now() / 1_000 <= TOLERANCE_SECONDS;
  if (!isDue) throw refused('it is signed ahead of time, or at none');
  const event = readEnvelope(rawBody);
  if (event === undefined) throw refused('signed, and yet not an event of Stripe');
  // A test event is never news of a live account, even where its endpoint was given this account's secret.
  if (event.livemode !== (account.mode === 'live')) throw refused('an event of the other mode');
  return factOf(event);
}

/** Seconds since 1970: the last `t=` counts, as for the SDK, which has checked the signature over it. */
function signedAt(header: string): number {
  const time = header.split(',').findLast((part) => part.startsWith('t='));
  return Number.parseInt(time?.slice(2) ?? '', 10);
}

function refused(internal: string): AppError {
  return new AppError('signature_invalid', { internal });
}

/** What a body that nobody has checked yet says of itself; undefined when it says nothing of ours. */
export function peekEvent(rawBody: Buffer): EventHint | undefined {
  const event = readEnvelope(rawBody);
  if (event === undefined) return undefined;
  const { paymentReferences } = tellingOf(event);
  const providerAccountId = accountSchema.safeParse(event.data.object).data?.metadata.centra_account;
  if (paymentReferences.length === 0 && providerAccountId === undefined) return undefined;
  return { paymentReferences, providerAccountId };
}

const accountSchema = z.object({
  metadata: z.object({ centra_account: z.string().regex(/^pa_[0-9a-z]{1,60}$/) }),
});

// What is kept of an event is printable and short: it goes into a database and an index, and may not be checked yet.
const id = z.string().regex(/^[\x21-\x7e]{1,255}$/);
const word = z.string().regex(/^[\x20-\x7e]{1,100}$/);

const envelopeSchema = z.object({
  id,
  type: word,
  created: z.int().positive().max(8_640_000_000_000),
  livemode: z.boolean(),
  data: z.object({ object: z.record(z.string(), z.unknown()) }),
});
type Envelope = z.infer<typeof envelopeSchema>;

function readEnvelope(rawBody: Buffer): Envelope | undefined {
  try {
    return envelopeSchema.safeParse(JSON.parse(rawBody.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

function factOf(event: Envelope): EventFact {
  const base = {
    eventId: event.id,
    type: event.type,
    occurredAt: new Date(event.created * 1_000),
  };
  return { ...base, ...tellingOf(event) };
}

type Telling = Omit<EventFact, 'eventId' | 'type' | 'occurredAt'>;

const NOTHING = {
  about: { kind: 'other' },
  paymentReferences: [],
  operationId: undefined,
  paymentId: undefined,
  stated: undefined,
} as const satisfies Omit<Telling, 'factKey'>;

const text = word.optional().catch(undefined);
const units = z.int().nonnegative().optional().catch(undefined);
// An id, or the object in full where an endpoint asks for it expanded.
const reference = z
  .union([id, z.object({ id }).transform((object) => object.id)])
  .optional()
  .catch(undefined);

const objectSchema = z.object({
  id: id.optional().catch(undefined),
  object: text,
  status: text,
  amount: units,
  amount_total: units,
  amount_received: units,
  amount_capturable: units,
  amount_captured: units,
  amount_refunded: units,
  currency: text,
  captured: z.boolean().optional().catch(undefined),
  disputed: z.boolean().optional().catch(undefined),
  payment_status: text,
  cancellation_reason: text,
  payment_intent: reference,
  latest_charge: reference,
  last_payment_error: z.object({ code: text, decline_code: text }).optional().catch(undefined),
  failure_reason: text,
  metadata: z.record(z.string(), z.unknown()).optional().catch(undefined),
});
type Told = z.infer<typeof objectSchema>;

/** What an event tells. Types and objects that we do not know are about other things. Total. */
function tellingOf({ id: eventId, type, data }: Envelope): Telling {
  const told = objectSchema.safeParse(data.object).data;
  if (told?.id === undefined) return { ...NOTHING, factKey: `${eventId} ${type}` };
  const factKey = factKeyOf(type, told);
  const about = aboutOf(type, told, told.id);
  if (about === undefined) return { ...NOTHING, factKey };
  const ours = told.metadata ?? {};
  const stated = moneyOf(told.amount ?? told.amount_total, told.currency);
  return {
    factKey,
    about,
    paymentReferences: referencesOf(told, told.id),
    operationId: z.uuid().safeParse(ours['centra_operation']).data,
    paymentId: z
      .string()
      .regex(/^pay_[0-9a-z]{1,60}$/)
      .safeParse(ours['centra_payment']).data,
    stated,
  };
}

/** What an event is about: by its type, and only where its object is of the kind that the type names. */
function aboutOf(type: string, told: Told, objectId: string): EventFact['about'] | undefined {
  if (type.startsWith('payment_intent.') && told.object === 'payment_intent') return { kind: 'payment' };
  if (type.startsWith('checkout.session.') && told.object === 'checkout.session') return { kind: 'payment' };
  if (type.startsWith('charge.dispute.') && told.object === 'dispute')
    return { kind: 'dispute', disputeReference: objectId };
  if ((type.startsWith('refund.') || type === 'charge.refund.updated') && told.object === 'refund')
    return { kind: 'refund', refundReference: objectId };
  // A charge that no payment intent made is none of ours.
  if (type.startsWith('charge.') && told.object === 'charge' && told.payment_intent !== undefined)
    return { kind: 'payment' };
  return undefined;
}

function referencesOf(told: Told, objectId: string): readonly string[] {
  const own = told.object === 'payment_intent' || told.object === 'checkout.session' ? [objectId] : [];
  return told.payment_intent === undefined ? own : [...own, told.payment_intent];
}

/** Object, type and every part of its state that can make one fact another; the event's own id is not among them. */
function factKeyOf(type: string, told: Told): string {
  const state = [
    told.status,
    told.payment_status,
    told.amount ?? told.amount_total,
    told.amount_received ?? told.amount_captured,
    told.amount_capturable,
    told.amount_refunded,
    told.captured,
    told.disputed,
    told.cancellation_reason,
    told.latest_charge,
    told.last_payment_error?.code,
    told.last_payment_error?.decline_code,
    told.failure_reason,
  ];
  return [told.id, type, ...state.map((part) => (part === undefined ? '-' : String(part)))].join(' ');
}
