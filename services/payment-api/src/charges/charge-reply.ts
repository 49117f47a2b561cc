import type { z } from 'zod';
import { ERRORS } from '@centra/service-kit/errors.ts';
import { problemSchema } from '@centra/service-kit/problem-schema.ts';
import { failureSchema, paymentSchema } from '../payments/payment.ts';
import type { PaymentJson } from '../payments/payment.ts';
import type { Reply } from '../replies/reply-writer.ts';

/** The 402 of a charge. It has no request id: it is stored, and a repeat gets the same bytes. */
export const declineSchema = problemSchema
  .omit({ request_id: true, errors: true })
  .extend({ decline: failureSchema, payment: paymentSchema })
  .meta({ id: 'DeclineProblem', description: 'A payment that failed, as an RFC 9457 problem document' });

// The reasons that transaction gives and that are about the card: another card, or the same one later, may do. What is not
// listed is the hotel's, the provider's or ours, and then no guest is told that a card is bad.
export const CARD_FAILURES: ReadonlySet<string> = new Set([
  'authentication_abandoned',
  'authentication_failed',
  'authentication_required',
  'card_declined',
  'card_not_supported',
  'card_token_invalid',
  'expired_card',
  'incorrect_cvc',
  'incorrect_number',
  'insufficient_funds',
  'invalid_expiry',
  'lost_card',
  'processing_error',
  'stolen_card',
  'suspected_fraud',
  'try_again_later',
]);

/**
 * The answer to a charge that is over: 201 with the payment or 402 with the reason and the payment. A pure function of
 * the payment, with nothing of the request or the moment in it, so that a lost reply can be derived again byte by byte.
 */
export function terminalReply(payment: PaymentJson): Reply {
  switch (payment.status) {
    case 'succeeded':
      return { statusCode: 201, location: `/v1/payments/${payment.id}`, body: toBytes(payment) };
    case 'failed':
      return { statusCode: 402, location: null, body: toBytes(toDecline(payment)) };
    default:
      throw new Error(`a ${payment.status} payment has no terminal reply`);
  }
}

function toDecline(payment: PaymentJson): z.infer<typeof declineSchema> {
  const decline = payment.failure;
  if (decline === null) throw new Error('transaction sent a failed payment without a reason');
  const code = CARD_FAILURES.has(decline.code) ? 'card_declined' : 'payment_failed';
  const { title, http } = ERRORS[code];
  return {
    type: `urn:centra-payments:error:${code}`,
    title,
    status: http,
    code,
    detail: decline.message,
    decline,
    payment,
  };
}

function toBytes(json: object): Buffer {
  return Buffer.from(JSON.stringify(json));
}
