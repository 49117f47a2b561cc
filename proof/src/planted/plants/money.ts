import type { Plant } from '../plant.ts';

/** Amounts: exact integers, with the exponents of each currency and provider (reliability rule 9). */
export const MONEY_PLANTS: readonly Plant[] = [
  {
    name: 'amount-through-a-float',
    why: 'reliability row 48: 19.99 * 100 truncates to 1998',
    edits: [
      {
        file: 'packages/money/src/parse-amount.ts',
        find: `return BigInt(whole + decimals.padEnd(exponent, '0'));`,
        replace: 'return BigInt(Math.trunc(Number(`${whole}.${decimals}0`) * 10 ** exponent));',
      },
    ],
    suite: {
      file: 'packages/money/src/parse-amount.test.ts',
      test: 'parsing what was formatted gives the same money, in every currency',
    },
  },
  {
    name: 'krona-without-its-zeros',
    why: 'reliability row 47: Stripe takes ISK times 100, so a hundredth would be charged',
    edits: [{ file: 'packages/money/src/stripe-amount-rule.ts', find: '    ISK: 2,\n', replace: '' }],
    suite: {
      file: 'services/transaction/src/payments/sale-refusals.test.ts',
      test: '47: ISK 501 is charged as 50,100 of Stripe and no amount is ever rounded on the way',
    },
  },
  {
    name: 'dinar-with-a-third-decimal',
    why: 'reliability row 47: the last digit of KWD is 0 at Stripe, so the amount is refused, or rounded, there',
    edits: [{ file: 'packages/money/src/stripe-amount-rule.ts', find: '    KWD: 10n,\n', replace: '' }],
    suite: {
      file: 'packages/money/src/provider-amount.test.ts',
      test: 'covers what the provider itself could not have reported',
    },
  },
];
