import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  SettleUnknownOperationRequest,
  SettleUnknownOperationResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { DatabaseError } from 'pg';
import type { Context } from '../context.ts';
import { toStateMessage } from '../payments/follow-up.ts';
import { isFirst } from '../payments/outcome-transition.ts';
import { PAYMENT_COLUMNS, toPaymentMessage } from '../payments/payment.ts';
import type { Payment, PaymentRow } from '../payments/payment.ts';
import { failureOf } from '../providers/failure.ts';
import type { Outcome } from '../providers/provider.ts';
import { settle } from './attempt.ts';
import { checkReference } from './check-reference.ts';
import { IN_DOUBT } from './list-unknown-operations.ts';
import { findOperation, OPERATION_COLUMNS, toOperation } from './operation.ts';
import type { Operation, OperationRow } from './operation.ts';

// Enough for "what, where, when"; and as much as the table keeps.
const EVIDENCE_MIN = 10;
const EVIDENCE_MAX = 2_000;
const REFERENCE = /^[\x21-\x7e]{1,255}$/;

/**
 * A person settles an operation by what they saw at the provider. While the sweeper may still find out by itself it does; a
 * hotel that sees the provider's dashboard may end the wait early, but never against a call under way. The verdict and its
 * evidence are stored for ever, with the claim of the operation, before the payment moves.
 * Refuses with not_found; state_conflict when the outcome is known or not in doubt, or the provider itself says otherwise;
 * in_progress while somebody asks the provider at this moment; validation_failed for evidence of the wrong length, or a
 * missing reference where it happened, or one that is another payment's.
 */
export async function settleUnknownOperation(
  context: Context,
  request: SettleUnknownOperationRequest,
): Promise<SettleUnknownOperationResponse> {
  const id = fromPublicId('op', request.operationId);
  if (id === undefined) throw new AppError('not_found');
  checkWords(request);
  const known = await findOperation(context, request.merchantId, id);
  const mode = request.mode === Mode.MODE_LIVE ? 'live' : 'test';
  if (known === undefined || known.operation.payment.mode !== mode) throw new AppError('not_found');
  const seen = request.happened
    ? await checkReference(context, known.operation, request.providerReference)
    : undefined;
  const claimed = await claim(context, request, id);
  if (claimed === undefined) throw await refusal(context, request.merchantId, id);
  const settledBy = request.origin?.actor ?? '';
  await settleClaimed(context, claimed, { ...verdictOf(claimed, request), ...seen }, settledBy);
  context.log.warn(
    {
      merchantId: claimed.merchantId,
      paymentId: claimed.payment.id,
      operationId: claimed.id,
      happened: request.happened,
      actor: settledBy,
      requestId: request.origin?.requestId,
    },
    'a person settled an unknown outcome',
  );
  const settled = await findOperation(context, claimed.merchantId, claimed.id);
  if (settled === undefined) throw new Error('an operation was settled and cannot be found');
  return {
    payment: toPaymentMessage(settled.operation.payment),
    state: toStateMessage(settled.operation.state),
  };
}

function checkWords({ evidence, happened, providerReference }: SettleUnknownOperationRequest): void {
  const errors = [
    ...(evidence.trim().length >= EVIDENCE_MIN && evidence.length <= EVIDENCE_MAX && !evidence.includes('\0')
      ? []
      : [{ field: 'evidence', reason: `must be ${EVIDENCE_MIN} to ${EVIDENCE_MAX} characters` }]),
    ...((!happened && providerReference === '') || REFERENCE.test(providerReference)
      ? []
      : [{ field: 'provider_reference', reason: "must be the provider's id of what happened" }]),
  ];
  if (errors.length > 0) throw new AppError('validation_failed', { errors });
}

// As long as one call to a provider takes as a rule.
const RETRY_AFTER_S = 2;

async function refusal(context: Context, merchantId: string, id: string): Promise<AppError> {
  const { rows } = await context.pool.query<{ is_held: boolean }>({
    name: 'is-operation-held',
    text: `select o.due_at > now() and (o.due_at = o.held_until or (o.state = 'sent' and o.provider_reference is null)) as is_held
             from operations o where o.merchant_id = $1 and o.id = $2 and o.state in ('sent', 'unknown')`,
    values: [merchantId, id],
  });
  return rows[0]?.is_held === true
    ? new AppError('in_progress', { retryAfterSeconds: RETRY_AFTER_S })
    : new AppError('state_conflict', { detail: 'The outcome of this operation is not in doubt.' });
}

/**
 * Raises the fence, so that no sweeper settles it meanwhile, and keeps the verdict, in one statement. Not while a sweeper
 * holds it: that one may be sending at this moment, and "it did not happen" would then be wrong a second later.
 */
async function claim(
  context: Context,
  request: SettleUnknownOperationRequest,
  id: string,
): Promise<Operation | undefined> {
  const { rows } = await context.pool.query<OperationRow & PaymentRow>({
    name: 'claim-for-verdict',
    text: `
      with o as (
        update operations o
           set attempt = o.attempt + 1, due_at = now() + make_interval(secs => $3::float8 / 1000),
               held_until = now() + make_interval(secs => $3::float8 / 1000)
          from payments p
         where o.merchant_id = $1 and o.id = $2 and p.merchant_id = o.merchant_id and p.id = o.payment_id
           and ${IN_DOUBT}
           and (o.held_until is null or o.held_until <> o.due_at or o.due_at <= now())
        returning o.*
      ), verdict as (
        insert into operation_verdicts (merchant_id, operation_id, attempt, happened, evidence, provider_reference, actor,
          request_id, address)
        select merchant_id, id, attempt, $4, $5, nullif($6::text, ''), $7, $8, $9 from o
      )
      select ${OPERATION_COLUMNS}, ${PAYMENT_COLUMNS}
        from o join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id`,
    values: [
      request.merchantId,
      id,
      context.config.operationLeaseMs,
      request.happened,
      request.evidence,
      request.providerReference,
      request.origin?.actor ?? '',
      request.origin?.requestId ?? '',
      request.origin?.address ?? '',
    ],
  });
  const row = rows[0];
  return row === undefined ? undefined : toOperation(row).operation;
}

function verdictOf(operation: Operation, request: SettleUnknownOperationRequest): Outcome {
  return request.happened
    ? { kind: 'succeeded', providerReference: request.providerReference }
    : { kind: 'declined', failure: failureOf(isFirst(operation) ? 'not_charged' : 'not_done') };
}

// SQLSTATE class 23: the payment has moved on, and its constraints or legal moves do not let this verdict in.
const INTEGRITY_CLASS = '23';

async function settleClaimed(
  context: Context,
  claimed: Operation,
  outcome: Outcome,
  settledBy: string,
): Promise<Payment> {
  const conflict = 'The payment has changed, and this outcome does not fit it any more.';
  try {
    const payment = await settle(context, claimed, outcome, { details: { settled_by: settledBy } });
    if (payment === undefined) throw new AppError('state_conflict', { detail: conflict });
    return payment;
  } catch (error) {
    if (error instanceof DatabaseError && error.code?.startsWith(INTEGRITY_CLASS) === true)
      throw new AppError('state_conflict', { detail: conflict, cause: error });
    throw error;
  }
}
