import type {
  AuthorizeRequest,
  SaleRequest,
  SaleResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { paymentAsAnswered, readBack } from '../operations/answer.ts';
import { askProvider, settle } from '../operations/attempt.ts';
import { claimPrepared, findOperation } from '../operations/operation.ts';
import type { Operation, OperationWithTiming } from '../operations/operation.ts';
import { checkSupported } from '../providers/check-supported.ts';
import { chooseAccounts, reopenAccounts } from '../providers/choose-accounts.ts';
import type { ChosenAccounts, RoutedAccounts } from '../providers/choose-accounts.ts';
import { failOver } from '../routing/fail-over.ts';
import { beginDespiteLostConnection } from './begin-charge.ts';
import { toBegunOperation, toNewOperation } from './charge-operation.ts';
import { readRequest } from './charge-request.ts';
import type { Wanted } from './charge-request.ts';
import { beginOnCreated } from './create-payment.ts';
import { toPaymentMessage } from './payment.ts';
import type { Payment } from './payment.ts';

/**
 * Collects an amount (sale) or holds it (authorize) in one step. Two durable writes with the provider call between them and
 * no transaction open meanwhile; the operation id makes any repetition find the first.
 * Refuses with idempotency_key_reused, in_progress, idempotency_key_expired, provider_account_missing,
 * currency_not_supported, amount_not_allowed, not_supported; for a payment registered before also not_found and
 * payment_not_created; unavailable or provider_unreachable when surely nothing was sent.
 */
export async function charge(
  context: Context,
  kind: 'sale' | 'authorize',
  request: SaleRequest | AuthorizeRequest,
): Promise<SaleResponse> {
  const errors = request.cardToken === '' ? [{ field: 'card_token', reason: 'is missing' }] : [];
  const wanted = readRequest(kind, request, errors);
  return wanted.registeredId === undefined
    ? await chargeNew(context, wanted)
    : await chargeRegistered(context, wanted, wanted.registeredId);
}

/** The way of a charge whose payment was not registered before; also of one on the provider's own page. */
export async function chargeNew(context: Context, wanted: Wanted): Promise<SaleResponse> {
  let accounts: RoutedAccounts;
  try {
    const isHosted = wanted.options.hosted !== undefined;
    accounts = await chooseAccounts(context, { ...wanted, method: isHosted ? 'card_page' : 'card' });
    // What the provider cannot do at all is refused before anything is stored.
    checkSupported(context, { ...wanted, isHosted }, accounts.provider);
  } catch (error) {
    // A repeated key gets its first answer even when the hotel has since disconnected the account.
    const known = await findOperation(context, wanted.merchantId, wanted.operationId);
    if (known === undefined) throw error;
    return await repeat(context, wanted.fingerprint, known);
  }
  const operation = toNewOperation(wanted, accounts);
  context.config.failpoint(`${wanted.kind}.before-write-1`);
  const begun = await beginDespiteLostConnection(context, operation);
  if (begun.kind === 'exists') return await repeat(context, wanted.fingerprint, begun.known);
  context.config.failpoint(`${wanted.kind}.after-write-1`);
  return await run(context, toBegunOperation(operation, begun.createdAt), accounts, false);
}

/** A payment that was registered before is paid now; its amount and account are those it was registered with. */
async function chargeRegistered(context: Context, wanted: Wanted, paymentId: string): Promise<SaleResponse> {
  const known = await findOperation(context, wanted.merchantId, wanted.operationId);
  if (known !== undefined) return await repeat(context, wanted.fingerprint, known);
  context.config.failpoint(`${wanted.kind}.before-write-1`);
  const begun = await beginOnCreated(context, wanted, paymentId);
  if (begun.kind === 'exists') return await repeat(context, wanted.fingerprint, begun.known);
  context.config.failpoint(`${wanted.kind}.after-write-1`);
  return await run(context, begun.operation, begun.accounts, false);
}

/** Asks the provider and stores what came of it. */
async function run(
  context: Context,
  operation: Operation,
  accounts: ChosenAccounts,
  replayed: boolean,
): Promise<SaleResponse> {
  context.config.failpoint(`${operation.kind}.before-provider`);
  const outcome = await askProvider(context, operation, accounts);
  context.config.failpoint(`${operation.kind}.after-provider`);
  if (outcome.kind === 'not_sent') {
    const next = await failOver(context, operation);
    // At most as many rounds as the route has accounts: it is never gone back on.
    if (next.kind === 'moved') return await run(context, next.operation, next.accounts, replayed);
    // Which account has it now only the row tells; the sweeper reads it when the lease ends.
    if (next.kind === 'uncertain') return respond(operation.payment, operation.createdAt, replayed);
  }
  let settled: Payment | undefined;
  try {
    settled = await settle(context, operation, outcome);
  } catch (error) {
    // The provider was asked, so nothing may be refused any more: the sweeper finds the outcome when the lease ends.
    context.log.error(
      { err: error, operationId: operation.id, requestId: operation.requestId, outcome: outcome.kind },
      'an outcome could not be stored',
    );
    return respond(operation.payment, operation.createdAt, replayed);
  }
  context.config.failpoint(`${operation.kind}.after-write-2`);
  if (settled === undefined) return await answerOfNewHolder(context, operation);
  if (outcome.kind === 'not_sent' && !operation.mayHaveCharged)
    throw new AppError('provider_unreachable', { retryAfterSeconds: 2, internal: outcome.reason });
  return respond(settled, operation.createdAt, replayed);
}

/** Another holder took the operation over while we slept past our lease: its record is the truth. */
async function answerOfNewHolder(context: Context, { merchantId, id }: Operation): Promise<SaleResponse> {
  const known = await readBack(async () => await findOperation(context, merchantId, id));
  if (known === undefined) throw new Error('an operation was superseded and cannot be found');
  return respond(await paymentAsAnswered(context, known.operation), known.operation.createdAt, true);
}

/** A second call with the same operation id: the first one's outcome, or why there is none to give. */
async function repeat(
  context: Context,
  fingerprint: Buffer,
  known: OperationWithTiming,
): Promise<SaleResponse> {
  const { operation, timing } = known;
  const paymentId = toPublicId('pay', operation.payment.id);
  if (!operation.fingerprint.equals(fingerprint)) throw new AppError('idempotency_key_reused');
  if (timing.isExpired) throw new AppError('idempotency_key_expired', { extra: { payment_id: paymentId } });
  switch (operation.state) {
    case 'succeeded':
    case 'declined':
    case 'unknown':
      return respond(await paymentAsAnswered(context, operation), operation.createdAt, true);
    case 'sent':
      if (operation.payment.status === 'processing' && timing.isLeased)
        throw new AppError('in_progress', { retryAfterSeconds: 1, extra: { payment_id: paymentId } });
      return respond(operation.payment, operation.createdAt, true);
    case 'prepared':
      return await resume(context, operation);
    default:
      throw new Error(`no answer for state ${String(operation.state satisfies never)}`);
  }
}

/** A call that was told "nothing was sent" comes again with its key: it is taken up where it was left. */
async function resume(context: Context, operation: Operation): Promise<SaleResponse> {
  const accounts = await reopenAccounts(context, operation);
  const claimed = await readBack(async () => await claimPrepared(context, operation));
  if (claimed === undefined) throw new AppError('in_progress', { retryAfterSeconds: 1 });
  return await run(context, claimed, accounts, false);
}

function respond(payment: Payment, operationCreatedAt: Date, replayed: boolean): SaleResponse {
  return { payment: toPaymentMessage(payment), replayed, operationCreatedAt };
}
