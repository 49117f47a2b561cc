import type { RequestHandler, Response } from 'express';
import type { SaleRequest } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, identityOf, parseWith } from '@centra/service-kit/http.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { toJson } from '../payments/payment.ts';
import { refuseQuery } from '../refuse-query.ts';
import { fingerprintOf } from '../replies/fingerprint.ts';
import { operationId } from '../replies/operation-id.ts';
import type { Reply, ReplyKey } from '../replies/reply-writer.ts';
import { keepReply } from '../replies/stored-reply.ts';
import { askSale } from './ask-sale.ts';
import { chargeSchema } from './charge.ts';
import type { Charge } from './charge.ts';
import { terminalReply } from './charge-reply.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';

const ENDPOINT = 'POST /v1/charge';

/**
 * `POST /v1/charge`: one call to transaction and one stored reply. Stored replies are not looked up first: nearly every
 * charge is new, and transaction, which must look anyway, says when one is not.
 */
export function createCharge(context: Context): RequestHandler {
  return async (request, response) => {
    refuseQuery(request);
    const idempotencyKey = idempotencyKeyOf(request);
    const charge = parseCharge(context, request.body);
    const identity = identityOf(request);
    const key = toReplyKey(identity, idempotencyKey, charge);
    const { requestId, address } = contextOf(request);
    const origin = { actor: identity.actor, requestId, address };

    const { payment, replayed } = await askSale(context, toSale(key, charge, origin), requestId);
    context.config.failpoint('payment-api.after-sale');
    if (payment === undefined) throw new Error('transaction answered a sale without a payment');
    const json = toJson(payment);
    context.counters.charges.inc({ outcome: json.status, replayed: String(replayed) });
    if (replayed) response.setHeader('idempotent-replayed', 'true');
    // Not over yet, so not the answer to keep: the same key will be told how it ended.
    if (json.status === 'processing' || json.status === 'requires_action') {
      response.status(202).json(json);
      return;
    }
    const reply = await keepReply(context, key, terminalReply(json), replayed);
    context.config.failpoint('payment-api.after-store');
    send(response, reply);
  };
}

function parseCharge(context: Context, body: unknown): Charge {
  const charge = parseWith(chargeSchema, body);
  if (context.config.production && charge.return_url?.startsWith('http:'))
    throw new AppError('validation_failed', { errors: [{ field: 'return_url', reason: 'must be https' }] });
  return charge;
}

function toReplyKey(identity: Identity, idempotencyKey: string, charge: Charge): ReplyKey {
  const { merchantId, mode } = identity;
  return {
    merchantId,
    mode,
    operationId: operationId({ merchantId, mode, endpoint: ENDPOINT, key: idempotencyKey }),
    fingerprint: fingerprintOf(charge),
  };
}

function toSale(key: ReplyKey, charge: Charge, origin: NonNullable<SaleRequest['origin']>): SaleRequest {
  return {
    operationId: key.operationId,
    merchantId: key.merchantId,
    mode: toMode(key.mode),
    requestFingerprint: key.fingerprint,
    amount: { amountMinor: BigInt(charge.amount), currency: charge.currency },
    cardToken: charge.card_token,
    bookingReference: charge.booking_reference,
    guest: { name: charge.guest?.name ?? '', email: charge.guest?.email ?? '' },
    description: charge.description ?? '',
    metadata: charge.metadata ?? {},
    returnUrl: charge.return_url ?? '',
    providerAccountId: charge.provider_account ?? '',
    origin,
  };
}

/** The stored bytes as they are; nothing in between may serialise them again. */
function send(response: Response, reply: Reply): void {
  response.statusCode = reply.statusCode;
  response.setHeader(
    'content-type',
    reply.statusCode === 402 ? 'application/problem+json' : 'application/json',
  );
  if (reply.location !== null) response.setHeader('location', reply.location);
  response.end(reply.body);
}
