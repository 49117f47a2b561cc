import { refuseQuery } from '@centra/service-kit/http.ts';
import type { RequestHandler } from 'express';
import { Initiation } from '@centra/proto/centra/payment/v1/payment.ts';
import type { PaymentOptions, SaleRequest } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { askOperation } from '../ask-operation.ts';
import { callerOf } from '../caller.ts';
import type { Caller } from '../caller.ts';
import type { Context } from '../context.ts';
import { toMode } from '../mode.ts';
import { paidAnswer, required } from '../payments/payment-answer.ts';
import { toJson } from '../payments/payment.ts';
import { idempotencyKeyOf } from '../replies/idempotency-key.ts';
import { replyKeyOf } from '../replies/reply-key.ts';
import type { ReplyKey } from '../replies/reply-writer.ts';
import { sendAnswer } from '../replies/send-answer.ts';
import { chargeSchema, parseWithUrls } from './charge.ts';
import { toRoutingHints } from './routing-hints.ts';
import type { Charge } from './charge.ts';

const ENDPOINT = 'POST /v1/charge';

/**
 * `POST /v1/charge`: one call to transaction and one stored reply. Stored replies are not looked up first: nearly every
 * charge is new, and transaction, which must look anyway, says when one is not.
 */
export function createCharge(context: Context): RequestHandler {
  const ask = context.transaction.sale.bind(context.transaction);
  return async (request, response) => {
    refuseQuery(request);
    const idempotencyKey = idempotencyKeyOf(request);
    const charge = parseWithUrls(context, chargeSchema, request.body);
    const caller = callerOf(request);
    const key = replyKeyOf(caller.identity, idempotencyKey, { endpoint: ENDPOINT, body: charge });
    const { requestId } = caller;
    const { operationId } = key;

    const sold = await askOperation(context, ask, toSale(key, charge, caller), { operationId, requestId });
    const json = toJson(required(sold.payment, 'payment'));
    context.counters.charges.inc({ outcome: json.status, replayed: String(sold.replayed) });
    await sendAnswer(context, response, key, paidAnswer(json, 201), sold.replayed);
  };
}

function toSale(key: ReplyKey, charge: Charge, caller: Caller): SaleRequest {
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
    origin: caller.origin,
    paymentId: '',
    options: toOptions(charge),
  };
}

/** A charge has no options of its own; its hints travel with them. */
function toOptions(charge: Charge): PaymentOptions | undefined {
  const routingHints = toRoutingHints(charge);
  if (routingHints === undefined) return undefined;
  return {
    initiation: Initiation.INITIATION_CUSTOMER,
    originalNetworkTransactionId: '',
    extras: undefined,
    allowPartialApproval: false,
    retrySoftDeclines: false,
    quoteId: '',
    quoteHash: '',
    routingHints,
  };
}
