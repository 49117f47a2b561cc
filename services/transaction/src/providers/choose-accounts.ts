import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import type { Operation } from '../operations/operation.ts';
import type { Payment } from '../payments/payment.ts';
import { chooseRoute } from '../routing/choose-route.ts';
import type { RouteWanted, Routed } from '../routing/choose-route.ts';
import { findUnderWay } from './provider-account.ts';
import type { OpenedAccount } from './provider-account.ts';

/** The hotel's own accounts that one charge uses. */
export type ChosenAccounts = { provider: OpenedAccount; vault: OpenedAccount | undefined };

/** Those of a new payment, and the route by which they were chosen, if rules had a say. */
export type RoutedAccounts = ChosenAccounts & Pick<Routed, 'route'>;

type Wanted = Pick<RouteWanted, 'merchantId' | 'mode' | 'requestId'> & {
  /** Decides whether a vault is needed at all. */
  cardToken: string;
};

/** The versions an operation was begun with; a rotation or deletion since then does not change them. */
type BegunWith = Pick<
  Operation,
  | 'providerAccountId'
  | 'providerAccountVersion'
  | 'vaultAccountId'
  | 'vaultAccountVersion'
  | 'merchantId'
  | 'requestId'
> & { payment: { mode: 'test' | 'live' } };

/** The accounts of a new charge; throws as `chooseRoute`. */
export async function chooseAccounts(
  context: Context,
  wanted: RouteWanted & Wanted,
): Promise<RoutedAccounts> {
  const { provider, route } = await chooseRoute(context, wanted);
  return { provider, route, vault: await chooseVault(context, wanted, provider) };
}

/**
 * The account of an operation on a payment that was made with it. One that the hotel has deleted since still serves while it
 * holds money of the payment or may come to: its secrets are kept until then. Throws as `chooseAccounts`.
 */
export async function chooseFollowUpAccount(
  context: Context,
  wanted: Omit<Wanted, 'cardToken'>,
  payment: Pick<Payment, 'providerAccountId' | 'status' | 'hold'>,
): Promise<OpenedAccount> {
  const { merchantId, mode, requestId } = wanted;
  const { providerAccountId: id } = payment;
  const isOpen =
    payment.hold !== undefined || payment.status === 'processing' || payment.status === 'requires_action';
  const account =
    (await findUnderWay(context.accounts, merchantId, mode, id, requestId)) ??
    (isOpen ? await context.accounts.find(merchantId, mode, { id, orDeleted: true }, requestId) : undefined);
  if (account === undefined) throw missing(`No provider account is connected in ${mode} mode.`);
  return account;
}

/** The vault that holds the card, where the provider needs one. Throws as `chooseAccounts`. */
export async function chooseVault(
  context: Context,
  wanted: Wanted,
  provider: OpenedAccount,
): Promise<OpenedAccount | undefined> {
  const { merchantId, mode, requestId, cardToken } = wanted;
  // The provider's own page collects the card itself.
  if (cardToken === '' || !context.providers.choose(provider.provider).needsVault(cardToken))
    return undefined;
  const vault = await context.accounts.find(merchantId, mode, { kind: 'card_vault' }, requestId);
  if (vault === undefined) throw missing(`No card vault is connected in ${mode} mode.`);
  return vault;
}

/** The accounts of an operation under way, in the versions it was begun with. */
export async function reopenAccounts(context: Context, operation: BegunWith): Promise<ChosenAccounts> {
  const find = async (id: string, version: number): Promise<OpenedAccount | undefined> =>
    await context.accounts.find(
      operation.merchantId,
      operation.payment.mode,
      { id, version },
      operation.requestId,
    );
  const { vaultAccountId, vaultAccountVersion } = operation;
  const [provider, vault] = await Promise.all([
    find(operation.providerAccountId, operation.providerAccountVersion),
    vaultAccountId === undefined || vaultAccountVersion === undefined
      ? undefined
      : find(vaultAccountId, vaultAccountVersion),
  ]);
  if (provider === undefined)
    throw missing('The provider account of this operation can no longer be opened.');
  return { provider, vault };
}

function missing(detail: string): AppError {
  return new AppError('provider_account_missing', { detail });
}
