import type { RequestHandler } from 'express';
import { z } from 'zod';
import { parseWith, refuseQuery } from '@centra/service-kit/http.ts';
import { askTransaction } from '../ask-transaction.ts';
import { callerOf } from '../caller.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { paymentSchema, toJson } from '../payments/payment.ts';
import { pathIdOf } from '../path-id.ts';
import { operationStateSchema, toState } from './unknown-operation.ts';

// A few rows in one transaction; no provider is asked.
const SETTLE_DEADLINE_MS = 10_000;
// Lines and tabs are what people write; other control characters and changes of direction could fake what is read.
const UNREADABLE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

export const settleUnknownOperationSchema = z
  .strictObject({
    outcome: z.enum(['happened', 'not_happened']).meta({
      description: 'happened: the provider did it. not_happened: it surely did not, and never will.',
    }),
    evidence: z
      .string()
      .trim()
      .min(10)
      .max(2_000)
      .refine(
        (text) => !UNREADABLE.test(text.replaceAll(/[\n\r\t]/g, ' ')),
        'must not contain control characters',
      )
      .meta({
        description: 'What was seen, and where. Kept for ever',
        example: 'Stripe dashboard, 2026-03-01 10:15: pi_3Nq4JvExample shows the capture of 120.50 EUR.',
      }),
    provider_reference: z
      .string()
      .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters')
      .optional()
      .meta({
        description: 'The provider’s id of what happened; needed when it did',
        example: 'pi_3Nq4JvExample',
      }),
  })
  .refine((body) => body.outcome === 'not_happened' || body.provider_reference !== undefined, {
    path: ['provider_reference'],
    error: 'is needed when it happened',
  })
  .meta({ id: 'SettleUnknownOperation' });

export const settlementSchema = z
  .object({
    object: z.literal('settlement'),
    operation_id: z.string().meta({ example: 'op_01jd4qv8e2f5tb3y9k7m1n6p0r' }),
    state: operationStateSchema,
    payment: paymentSchema,
  })
  .meta({ id: 'Settlement', description: 'What a person settled, and the payment after it' });

/** `POST /v1/unknown-operations/:id/settle`: a person says what they found at the provider. Written into the history. */
export function settleUnknownOperation(context: Context): RequestHandler<{ id: string }> {
  return async (request, response) => {
    refuseQuery(request);
    const body = parseWith(settleUnknownOperationSchema, request.body);
    const id = pathIdOf(request, 'op');
    const { identity, requestId, origin } = callerOf(request);
    const settled = await askTransaction(
      context.transaction.settleUnknownOperation.bind(context.transaction),
      {
        merchantId: identity.merchantId,
        mode: toMode(identity.mode),
        operationId: id,
        happened: body.outcome === 'happened',
        evidence: body.evidence,
        providerReference: body.provider_reference ?? '',
        origin,
      },
      { requestId, deadlineMs: SETTLE_DEADLINE_MS },
    );
    if (settled.payment === undefined) throw new Error('transaction settled an operation without a payment');
    const json: z.infer<typeof settlementSchema> = {
      object: 'settlement',
      operation_id: id,
      state: toState(settled.state),
      payment: toJson(settled.payment),
    };
    response.json(json);
  };
}
