import { z } from 'zod';
import type { Answered, Unanswered } from './ask.ts';

// What the answers to `ask` and `read` say, as far as the proof goes by it.

export const paymentSchema = z.object({
  object: z.literal('payment'),
  id: z.string(),
  status: z.string(),
  amount: z.int(),
  currency: z.string(),
  amount_authorized: z.int(),
  amount_captured: z.int(),
  amount_refunded: z.int(),
  hold: z.object({ amount_capturable: z.int(), multiple_capture: z.boolean() }).nullable(),
});
export type PaymentTold = z.infer<typeof paymentSchema>;

export const refundSchema = z.object({
  object: z.literal('refund'),
  id: z.string(),
  payment_id: z.string(),
  status: z.string(),
  amount: z.int(),
});
export type RefundTold = z.infer<typeof refundSchema>;

/** A refusal; a decline also brings the payment or refund that it left behind. */
export const problemSchema = z.object({
  code: z.string(),
  payment: paymentSchema.optional(),
  refund: refundSchema.optional(),
});

const toldSchema = z.discriminatedUnion('object', [paymentSchema, refundSchema]);

/** The payment or refund of a 2xx. */
export function toldOf(answer: Answered | Unanswered): PaymentTold | RefundTold | undefined {
  if (answer.status < 200 || answer.status > 299 || !('json' in answer)) return undefined;
  return toldSchema.safeParse(answer.json).data;
}

/** The payment of a 2xx; throws with what came instead. */
export function paymentOf(answer: Answered | Unanswered): PaymentTold {
  const told = toldOf(answer);
  if (told?.object === 'payment') return told;
  throw new Error(`no payment but ${inShort(answer)}`);
}

/** The code of a refusal or decline; undefined for anything else. */
export function codeOf(answer: Answered | Unanswered): string | undefined {
  return 'json' in answer && answer.status >= 400
    ? problemSchema.safeParse(answer.json).data?.code
    : undefined;
}

export function isReplayed(answer: Answered | Unanswered): boolean {
  return 'headers' in answer && answer.headers['idempotent-replayed'] === 'true';
}

/** Status and the beginning of what was said, for failures. */
export function inShort(answer: Answered | Unanswered): string {
  return 'reason' in answer
    ? answer.reason
    : `${answer.status} ${answer.bytes.toString('utf8').slice(0, 300)}`;
}
