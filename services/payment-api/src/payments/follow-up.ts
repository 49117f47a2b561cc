import type { Request } from 'express';
import type { z } from 'zod';
import { AppError } from '@centra/service-kit/errors.ts';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith, refuseQuery } from '@centra/service-kit/http.ts';
import type { Money } from '@centra/proto/centra/money/v1/money.ts';
import type { FollowUp } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callerOf, callerOfCall } from '../caller.ts';
import type { Caller } from '../caller.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { checkId, pathIdOf } from '../path-id.ts';
import { checkIdempotencyKey, idempotencyKeyOf } from '../replies/idempotency-key.ts';
import { replyKeyOf } from '../replies/reply-key.ts';
import type { ReplyKey } from '../replies/reply-writer.ts';
import { readPayment } from './read-payment.ts';

/** One operation on an existing payment, as it was asked for through either door. */
export type AskedFollowUp<Body> = {
  caller: Caller;
  key: ReplyKey;
  paymentId: string;
  body: Body;
  followUp: FollowUp;
};

/** An operation asked for over HTTP, on the payment in the path. Refuses what is not valid. */
export function followUpOf<S extends z.ZodType>(
  request: Request<{ id: string }>,
  endpoint: string,
  schema: S,
): AskedFollowUp<z.infer<S>> {
  refuseQuery(request);
  const paymentId = pathIdOf(request, 'pay');
  const idempotencyKey = idempotencyKeyOf(request);
  const body = parseWith(schema, request.body);
  return toFollowUp(callerOf(request), idempotencyKey, { endpoint, paymentId, body });
}

/** The same over gRPC. `body` is the message in the form of the HTTP body, so that both doors share rules and keys. */
export async function followUpOfCall<S extends z.ZodType>(
  context: Context,
  call: CallContext,
  wanted: {
    scope: string;
    endpoint: string;
    schema: S;
    idempotencyKey: string;
    paymentId: string;
    body: unknown;
  },
): Promise<AskedFollowUp<z.infer<S>>> {
  const caller = await callerOfCall(context, call, wanted.scope);
  const paymentId = checkId('pay', wanted.paymentId);
  checkIdempotencyKey(wanted.idempotencyKey, 'idempotency_key');
  refuseCardData(wanted.body);
  const body = parseWith(wanted.schema, wanted.body);
  return toFollowUp(caller, wanted.idempotencyKey, { endpoint: wanted.endpoint, paymentId, body });
}

function toFollowUp<Body>(
  caller: Caller,
  idempotencyKey: string,
  wanted: { endpoint: string; paymentId: string; body: Body },
): AskedFollowUp<Body> {
  const { endpoint, paymentId, body } = wanted;
  const key = replyKeyOf(caller.identity, idempotencyKey, { endpoint, params: { id: paymentId }, body });
  const followUp = {
    operationId: key.operationId,
    merchantId: key.merchantId,
    mode: toMode(key.mode),
    requestFingerprint: key.fingerprint,
    paymentId,
    origin: caller.origin,
  };
  return { caller, key, paymentId, body, followUp };
}

/**
 * The amount that was asked for; undefined for "all that is left". Where only half of it is said, the payment is read:
 * its currency never changes. 422 `currency_mismatch` for a currency alone that is not the payment's; a whole amount is
 * transaction's to judge.
 */
export async function amountOf(
  context: Context,
  asked: AskedFollowUp<{ amount?: number | undefined; currency?: string | undefined }>,
): Promise<Money | undefined> {
  const { amount, currency } = asked.body;
  if (amount === undefined && currency === undefined) return undefined;
  if (amount !== undefined && currency !== undefined) return { amountMinor: BigInt(amount), currency };
  const { identity, requestId } = asked.caller;
  const payment = await readPayment(context, identity, asked.paymentId, requestId);
  const own = payment.amount?.currency;
  if (own === undefined) throw new Error('transaction sent a payment without an amount');
  if (currency !== undefined && currency !== own) throw new AppError('currency_mismatch');
  return amount === undefined ? undefined : { amountMinor: BigInt(amount), currency: own };
}
