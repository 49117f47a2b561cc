import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import type { OpenedAccount } from './provider-account.ts';

/** The hotel's own accounts that one charge uses. */
export type ChosenAccounts = { provider: OpenedAccount; vault: OpenedAccount | undefined };

type Wanted = {
  merchantId: string;
  mode: 'test' | 'live';
  /** Absent: the merchant's default. */
  providerAccountId: string | undefined;
  requestId: string;
  /** For an operation under way: the exact versions it was begun with. */
  versions?: {
    providerAccountId: string;
    providerAccountVersion: number;
    vaultAccountId: string | undefined;
    vaultAccountVersion: number | undefined;
  };
};

/** Finds provider account and card vault; throws provider_account_missing or, when they cannot be asked for, unavailable. */
export async function chooseAccounts(context: Context, wanted: Wanted): Promise<ChosenAccounts> {
  const { merchantId, mode, requestId, versions } = wanted;
  const find = async (...[selector]: [Parameters<typeof context.accounts.find>[2]]) =>
    await context.accounts.find(merchantId, mode, selector, requestId);
  const [provider, vault] = await Promise.all([
    find(
      versions !== undefined
        ? { id: versions.providerAccountId, version: versions.providerAccountVersion }
        : wanted.providerAccountId !== undefined
          ? { id: wanted.providerAccountId }
          : { kind: 'card_provider' },
    ),
    versions === undefined
      ? find({ kind: 'card_vault' })
      : versions.vaultAccountId !== undefined && versions.vaultAccountVersion !== undefined
        ? find({ id: versions.vaultAccountId, version: versions.vaultAccountVersion })
        : undefined,
  ]);
  if (provider === undefined)
    throw new AppError('provider_account_missing', {
      detail: `No provider account is connected in ${mode} mode.`,
    });
  return { provider, vault };
}
