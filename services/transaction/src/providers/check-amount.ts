import { MoneyError } from '@centra/money/money-error.ts';
import type { Money } from '@centra/money/money.ts';
import { requireChargeable } from '@centra/money/provider-amount.ts';
import type { AmountProvider } from '@centra/money/provider-rules.ts';
import { AppError } from '@centra/service-kit/errors.ts';

/** The check of one provider's amount rules as a refusal of ours (422), before anything is written or sent. */
export function checkAmountWith(provider: AmountProvider): (money: Money, as?: 'charge' | 'part') => void {
  return (money, as = 'charge') => {
    try {
      requireChargeable(provider, money);
    } catch (error) {
      if (!(error instanceof MoneyError)) throw error;
      if (as === 'part' && error.code === 'below_minimum') return;
      if (error.code === 'currency_not_supported' || error.code === 'unknown_currency')
        throw new AppError('currency_not_supported', {
          detail: error.message,
          errors: [{ field: 'currency', reason: error.message }],
        });
      throw new AppError('amount_not_allowed', {
        detail: error.message,
        errors: [{ field: 'amount', reason: error.message }],
      });
    }
  };
}
