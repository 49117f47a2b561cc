import { AppError } from '@centra/service-kit/errors.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { descriptorOf } from '../operations/operation.ts';
import type { Operation, OperationOptions } from '../operations/operation.ts';
import { checkSupported } from '../providers/check-supported.ts';
import { chooseVault } from '../providers/choose-accounts.ts';
import type { ChosenAccounts } from '../providers/choose-accounts.ts';
import type { OpenedAccount } from '../providers/provider-account.ts';
import type { Route } from './choose-route.ts';

/**
 * `moved`: the operation is at the next account of its route, and the caller holds it there. `stays`: there is nowhere to go,
 * or it is no longer the caller's to move. `uncertain`: the database's answer was lost, so nobody may send anything before
 * the sweeper has taken it up.
 */
export type Failover =
  | { kind: 'moved'; operation: Operation; accounts: ChosenAccounts }
  | { kind: 'stays' }
  | { kind: 'uncertain' };

/**
 * Moves a sale or authorisation to the next account of its route. Only to be called with `not_sent`, the proof that this
 * attempt asked for no money; the row must say the same of every attempt before (reliability row 46). The move is stored
 * before anything is sent: whoever takes the operation up after a crash resends to the account that the row names, with the
 * same key, and never to another one.
 */
export async function failOver(context: Context, operation: Operation): Promise<Failover> {
  const { routing } = operation.options;
  if (routing === undefined || operation.mayHaveCharged || operation.providerReference !== undefined)
    return { kind: 'stays' };
  try {
    const next = await nextAccounts(context, operation, routing);
    if (next === undefined) return { kind: 'stays' };
    const moved = await move(context, operation, { ...routing, index: next.index }, next.accounts);
    if (moved === undefined) return { kind: 'stays' };
    noteMove(context, operation, moved);
    return { kind: 'moved', operation: moved, accounts: next.accounts };
  } catch (error) {
    const { id: operationId, requestId } = operation;
    context.log.error({ err: error, operationId, requestId }, 'an operation could not be moved on');
    return error instanceof NoNeighbour ? { kind: 'stays' } : { kind: 'uncertain' };
  }
}

/** The merchant service could not be asked for the next account: nothing was written. */
class NoNeighbour extends Error {
  override name = 'NoNeighbour';
}

type Next = { index: number; accounts: ChosenAccounts };

/** The next account that can be opened, with its vault where it needs one, and whose provider can do it at all. */
async function nextAccounts(context: Context, operation: Operation, route: Route): Promise<Next | undefined> {
  const { merchantId, requestId, payment } = operation;
  const asked = { merchantId, requestId, mode: payment.mode, cardToken: operation.cardToken ?? '' };
  for (const [index, id] of route.accounts.entries()) {
    if (index <= route.index) continue;
    try {
      const provider = await context.accounts.find(merchantId, payment.mode, { id }, requestId);
      if (provider === undefined || !canDo(context, operation, provider)) continue;
      return { index, accounts: { provider, vault: await chooseVault(context, asked, provider) } };
    } catch (error) {
      // Its vault is gone; the one after it may need none.
      if (error instanceof AppError && error.code === 'provider_account_missing') continue;
      throw new NoNeighbour('the next account cannot be asked for', { cause: error });
    }
  }
  return undefined;
}

function canDo(context: Context, operation: Operation, provider: OpenedAccount): boolean {
  const { kind, money, options } = operation;
  if (kind !== 'sale' && kind !== 'authorize') return false;
  try {
    checkSupported(context, { kind, money, isHosted: options.hosted !== undefined }, provider);
    return true;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}

type MovedRow = { version: number; updated_at: Date };

/** One guarded statement; undefined when another holder raised the fence, or somebody is canceling the payment. */
async function move(
  context: Pick<Context, 'pool' | 'config'>,
  operation: Operation,
  route: Route,
  { provider, vault }: ChosenAccounts,
): Promise<Operation | undefined> {
  const options = optionsAt(operation.options, route, provider);
  const { rows } = await context.pool.query<MovedRow>({
    name: 'fail-over',
    text: FAIL_OVER_SQL,
    values: [
      operation.merchantId,
      operation.id,
      operation.attempt,
      provider.provider,
      provider.id,
      provider.version,
      vault?.id ?? null,
      vault?.version ?? null,
      options,
      context.config.operationLeaseMs,
      detailsOf(operation, route, provider),
    ],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  const at = { provider: provider.provider, providerAccountId: provider.id };
  return {
    ...operation,
    attempt: operation.attempt + 1,
    options,
    providerAccountId: provider.id,
    providerAccountVersion: provider.version,
    vaultAccountId: vault?.id,
    vaultAccountVersion: vault?.version,
    payment: { ...operation.payment, ...at, version: row.version, updatedAt: row.updated_at },
  };
}

/** What guests read on their statement is the new account's; the rest is what was asked for. */
function optionsAt(options: OperationOptions, routing: Route, provider: OpenedAccount): OperationOptions {
  const { statementDescriptor: _descriptor, ...asked } = options;
  return { ...asked, ...descriptorOf(provider), routing };
}

function detailsOf(operation: Operation, { ruleId }: Route, { id }: OpenedAccount): Record<string, string> {
  return {
    from_provider_account: toPublicId('pa', operation.providerAccountId),
    provider_account: toPublicId('pa', id),
    ...(ruleId === undefined ? {} : { routing_rule: ruleId }),
  };
}

// Both rows are locked before anything is decided, as for a planned retry: a void that comes at the same moment is either
// seen here, and nothing moves, or waits for an operation that has moved. The new lease is this caller's.
const FAIL_OVER_SQL = `
  with held as (
    select o.merchant_id, o.id, o.payment_id from operations o
      join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
     where o.merchant_id = $1 and o.id = $2 and o.attempt = $3 and o.state = 'sent' and o.kind in ('sale', 'authorize')
       and not o.may_have_charged and o.provider_reference is null
       and p.status = 'processing' and p.busy_operation_id is null
       for update of o, p
  ), moved as (
    update operations o
       set attempt = o.attempt + 1, provider = $4, provider_account_id = $5, provider_account_version = $6,
           vault_account_id = $7, vault_account_version = $8,
           options = $9,
           due_at = now() + make_interval(secs => $10::float8 / 1000), tried_at = now(),
           held_until = now() + make_interval(secs => $10::float8 / 1000)
      from held where o.merchant_id = held.merchant_id and o.id = held.id
    returning o.*
  ), p as (
    update payments p
       set provider = $4, provider_account_id = $5, version = p.version + 1, updated_at = now()
      from moved m where p.merchant_id = m.merchant_id and p.id = m.payment_id
    returning p.*
  ), event as (
    insert into payment_events (merchant_id, payment_id, version, type, from_status, to_status, operation_id, attempt, actor,
      request_id, address, details, amount_minor)
    select p.merchant_id, p.id, p.version, 'payment.rerouted', p.status, p.status, m.id, m.attempt, m.actor, m.request_id,
      m.address, $11, p.amount_minor
      from p, moved m
  ), outbox as (
    insert into outbox (merchant_id, payment_id, version, type, data)
    select p.merchant_id, p.id, p.version, 'payment.rerouted', json_build_object('status', p.status, 'mode', p.mode,
      'amount', p.amount_minor, 'currency', p.currency, 'booking_reference', p.booking_reference, 'operation_id', $2::uuid)
      from p
  )
  select version, updated_at from p`;

function noteMove(context: Context, before: Operation, moved: Operation): void {
  context.countFailover({ from: before.payment.provider, to: moved.payment.provider });
  context.log.warn(
    {
      merchantId: before.merchantId,
      paymentId: before.payment.id,
      operationId: before.id,
      requestId: before.requestId,
      fromProviderAccountId: before.providerAccountId,
      providerAccountId: moved.providerAccountId,
    },
    'nothing was sent to the first provider account: the next of the route takes it',
  );
}
