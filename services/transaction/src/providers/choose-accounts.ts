import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import type { Operation } from '../operations/operation.ts';
import type { OpenedAccount } from './provider-account.ts';

/** The hotel's own accounts that one charge uses. */
export type ChosenAccounts = { provider: OpenedAccount; vault: OpenedAccount | undefined };

type Wanted = {
  merchantId: string;
  mode: 'test' | 'live';
  /** Absent: the merchant's default. */
  providerAccountId: string | undefined;
  /** Decides whether a vault is needed at all. */
  cardToken: string;
  requestId: string;
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

/** The accounts of a new charge; throws provider_account_missing or, when they cannot be asked for, unavailable. */
export async function chooseAccounts(context: Context, wanted: Wanted): Promise<ChosenAccounts> {
  const provider = await chooseProviderAccount(context, wanted);
  return { provider, vault: await chooseVault(context, wanted, provider) };
}

/** The account that moves the money: the one named, or the merchant's default. Throws as `chooseAccounts`. */
export async function chooseProviderAccount(
  context: Context,
  wanted: Omit<Wanted, 'cardToken'>,
): Promise<OpenedAccount> {
  const { merchantId, mode, requestId } = wanted;
  const selector =
    wanted.providerAccountId === undefined
      ? ({ kind: 'card_provider' } as const)
      : { id: wanted.providerAccountId };
  const provider = await context.accounts.find(merchantId, mode, selector, requestId);
  if (provider === undefined) throw missing(`No provider account is connected in ${mode} mode.`);
  return provider;
}

/** The vault that holds the card, where the provider needs one. Throws as `chooseAccounts`. */
export async function chooseVault(
  context: Context,
  wanted: Pick<Wanted, 'merchantId' | 'mode' | 'cardToken' | 'requestId'>,
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
