import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Mode } from '../entities.ts';
import { providerNamed } from '../provider-accounts/providers.ts';
import type { Transaction } from '../tenant.ts';

type AccountRow = { id: string; provider: string; name: string; kind: string };

/**
 * The ids of the accounts that a rule names, checked: active ones of the hotel and mode that move money, and, where the rule
 * names methods, of a provider that carries one of them. 400 naming each that is not; another hotel's is like none at all.
 */
export async function requireAccounts(
  tx: Transaction,
  wanted: { merchantId: string; mode: Mode; accounts: readonly string[]; methods: readonly string[] },
): Promise<string[]> {
  const { merchantId, mode, accounts, methods } = wanted;
  const active = await tx.execute<AccountRow[]>(
    `select id, provider, name, kind from provider_accounts where merchant_id = ? and mode = ? and status = 'active'`,
    [merchantId, mode],
  );
  const errors: { field: string; reason: string }[] = [];
  const ids = accounts.flatMap((publicId, index) => {
    const id = fromPublicId('pa', publicId);
    const account = active.find((candidate) => candidate.id === id);
    const reason =
      account === undefined ? `is no account of yours in ${mode} mode` : flawOf(account, methods);
    if (reason !== undefined) errors.push({ field: `provider_accounts.${index}`, reason });
    return account === undefined ? [] : [account.id];
  });
  if (errors.length > 0) throw new AppError('validation_failed', { errors });
  return ids;
}

/** The same for accounts that the rule has named before, when its methods change; those deleted since are left alone. */
export async function requireMethods(
  tx: Transaction,
  merchantId: string,
  ids: readonly string[],
  methods: readonly string[],
): Promise<void> {
  const active = await tx.execute<AccountRow[]>(
    `select id, provider, name, kind from provider_accounts where merchant_id = ? and status = 'active'`,
    [merchantId],
  );
  for (const account of active.filter(({ id }) => ids.includes(id))) {
    const reason = flawOf(account, methods);
    if (reason !== undefined)
      throw new AppError('validation_failed', {
        errors: [{ field: 'conditions.methods', reason: `the account “${account.name}” ${reason}` }],
      });
  }
}

/** Why a rule for these methods may not name the account. */
function flawOf({ provider, kind }: AccountRow, methods: readonly string[]): string | undefined {
  if (kind === 'card_vault') return 'keeps cards and moves no money';
  const { label, methods: carried } = providerNamed(provider);
  if (methods.length === 0 || carried.some((method) => methods.includes(method))) return undefined;
  return `is at ${label}, which carries none of ${methods.join(', ')}`;
}
