import type { Money } from '@centra/money/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Context } from '../context.ts';
import type { OpenedAccount } from './provider-account.ts';

/** Refuses what the account's provider cannot do at all: not_supported, amount_not_allowed, currency_not_supported. */
export function checkSupported(
  context: Pick<Context, 'providers'>,
  wanted: { kind: 'sale' | 'authorize'; money: Money; isHosted: boolean },
  account: OpenedAccount,
): void {
  const provider = context.providers.choose(account.provider);
  provider.checkAmount(wanted.money);
  if (wanted.kind === 'authorize' && !provider.capabilities.manualCapture)
    throw new AppError('not_supported', { detail: 'This provider cannot hold money for later.' });
  if (wanted.isHosted && !provider.capabilities.hostedPage)
    throw new AppError('not_supported', { detail: 'This provider has no hosted page.' });
}
