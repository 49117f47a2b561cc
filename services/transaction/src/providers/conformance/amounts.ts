import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CURRENCY_CODES, exponentOf } from '@centra/money/currency.ts';
import { MoneyError } from '@centra/money/money-error.ts';
import {
  fromProviderMinor,
  minimumCharge,
  supportsCurrency,
  toProviderMinor,
} from '@centra/money/provider-amount.ts';
import type { IntegerProvider } from '@centra/money/provider-rules.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import * as fc from 'fast-check';
import { assertEffect, kindsOf, prepared } from './repetitions.ts';
import { paid, stands } from './subject.ts';
import type { Subject } from './subject.ts';

/** Amounts in every currency: said exactly, read back exactly, or refused before anything is sent. */
export function amounts(subject: Subject): void {
  test('47: every amount it accepts is said to it exactly, and read back as the same', () => {
    const currency = fc.constantFrom(
      ...CURRENCY_CODES.filter((code) => supportsCurrency(subject.name, code)),
    );
    fc.assert(
      fc.property(currency, fc.bigInt({ min: 1n, max: 99_999_999n }), (code, amountMinor) => {
        const money = { amountMinor, currency: code };
        try {
          subject.provider().checkAmount(money);
        } catch (error) {
          assert.ok(error instanceof AppError && error.code === 'amount_not_allowed', String(error));
          return;
        }
        assert.deepEqual(fromProviderMinor(subject.name, toProviderMinor(subject.name, money), code), money);
      }),
      { numRuns: 500 },
    );
  });

  test('what it can never charge is refused before anything is sent, by one of two names', () => {
    for (const code of CURRENCY_CODES) {
      const ask = (): void =>
        subject
          .provider()
          .checkAmount({ amountMinor: 10n ** BigInt(exponentOf(code)) * 1_000n, currency: code });
      if (supportsCurrency(subject.name, code)) continue;
      assert.throws(
        ask,
        (error) => error instanceof AppError && error.code === 'currency_not_supported',
        code,
      );
    }
    for (const amountMinor of [0n, -1n])
      assert.throws(
        () => subject.provider().checkAmount({ amountMinor, currency: 'EUR' }),
        (error) => error instanceof AppError && error.code === 'amount_not_allowed',
      );
  });

  for (const currency of ['EUR', 'MAD', 'JPY', 'KWD', 'ISK', 'HUF'])
    test(`a sale in ${currency} collects exactly the amount asked for`, async () => {
      const amountMinor = minimumOf(subject.name, currency) + 12_340n;
      await stands(subject, await paid(subject, amountMinor, { currency }), [
        'captured',
        amountMinor,
        0n,
        0n,
      ]);
    });

  for (const currency of ['EUR', 'JPY', 'KWD', 'ISK'])
    for (const kind of kindsOf(subject))
      test(`a ${kind} in ${currency} moves exactly the amount asked for`, async () => {
        // A multiple of 100: KWD ends in 0 and HUF in 00 at some providers.
        const amountMinor = 12_300n;
        const { known, attempt } = await prepared(subject, kind, amountMinor, currency);
        assert.equal((await subject.provider().followUp(attempt)).kind, 'succeeded');
        await assertEffect(subject, known, attempt, true);
      });
}

function minimumOf(name: IntegerProvider, currency: string): bigint {
  try {
    return minimumCharge(name, currency)?.amountMinor ?? 0n;
  } catch (error) {
    if (error instanceof MoneyError) return 0n;
    throw error;
  }
}
