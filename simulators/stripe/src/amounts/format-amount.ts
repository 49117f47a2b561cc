import { currencyRule } from './currencies.ts';

/** An amount in minor units as people of that language write it, with the decimals Stripe gives the currency. */
export function formatAmount(amount: number, currency: string, language: string): string {
  const decimals = currencyRule(currency)?.decimals ?? 2;
  const format = new Intl.NumberFormat(language, {
    style: 'currency',
    currency: currency.toUpperCase(),
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  return format.format(amount / 10 ** decimals);
}
