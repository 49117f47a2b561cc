import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isCurrency } from './currency.ts';
import { money, type Money } from './money.ts';
import { MoneyError } from './money-error.ts';
import { parseAmount } from './parse-amount.ts';
import {
  fromProviderCurrency,
  fromProviderDecimal,
  fromProviderMinor,
  minimumCharge,
  requireChargeable,
  supportsCurrency,
  toProviderCurrency,
  toProviderDecimal,
  toProviderMinor,
} from './provider-amount.ts';
import {
  AMOUNT_RULES,
  type AmountProvider,
  type DecimalProvider,
  type IntegerProvider,
} from './provider-rules.ts';

const INTEGER_PROVIDERS: IntegerProvider[] = ['stripe', 'payzone_gateway', 'tempo', 'simulator'];
const DECIMAL_PROVIDERS: DecimalProvider[] = ['paypal', 'payzone_paywall', 'cmi'];
const PROVIDERS: AmountProvider[] = [...INTEGER_PROVIDERS, ...DECIMAL_PROVIDERS];

/** The written amount, or the code of the refusal, as text: one column of the golden table. */
function written(write: () => bigint | string): string {
  try {
    return write().toString();
  } catch (error) {
    assert.ok(error instanceof MoneyError, String(error));
    return error.code;
  }
}

const NO_CURRENCY = 'currency_not_supported';
const NO_AMOUNT = 'not_representable';

describe('the golden table', () => {
  //  money, Stripe, PayPal, Payzone A, Payzone C, CMI
  const rows: [string, string, string, string, string, string][] = [
    ['MAD 0.01', '1', NO_CURRENCY, '1', '0.01', '0.01'],
    ['MAD 1234.50', '123450', NO_CURRENCY, '123450', '1234.50', '1234.50'],
    ['EUR 10.00', '1000', '10.00', '1000', NO_CURRENCY, NO_CURRENCY],
    ['USD 1.23', '123', '1.23', '123', NO_CURRENCY, NO_CURRENCY],
    ['JPY 500', '500', '500', '500', NO_CURRENCY, NO_CURRENCY],
    ['KWD 5.120', '5120', NO_CURRENCY, '5120', NO_CURRENCY, NO_CURRENCY],
    ['KWD 5.124', NO_AMOUNT, NO_CURRENCY, '5124', NO_CURRENCY, NO_CURRENCY],
    ['TND 10.000', '10000', NO_CURRENCY, '10000', NO_CURRENCY, NO_CURRENCY],
    ['BHD 0.005', NO_AMOUNT, NO_CURRENCY, '5', NO_CURRENCY, NO_CURRENCY],
    ['ISK 5', '500', NO_CURRENCY, '5', NO_CURRENCY, NO_CURRENCY],
    ['HUF 1234.50', '123450', NO_AMOUNT, '123450', NO_CURRENCY, NO_CURRENCY],
    ['HUF 1234', '123400', '1234', '123400', NO_CURRENCY, NO_CURRENCY],
    ['TWD 800.45', '80045', NO_AMOUNT, '80045', NO_CURRENCY, NO_CURRENCY],
    ['TWD 800', '80000', '800', '80000', NO_CURRENCY, NO_CURRENCY],
    ['MGA 100', '100', NO_CURRENCY, '10000', NO_CURRENCY, NO_CURRENCY],
    ['MGA 100.20', NO_AMOUNT, NO_CURRENCY, '10020', NO_CURRENCY, NO_CURRENCY],
    ['UGX 5', NO_CURRENCY, NO_CURRENCY, '5', NO_CURRENCY, NO_CURRENCY],
    ['IQD 5.000', NO_CURRENCY, NO_CURRENCY, '5000', NO_CURRENCY, NO_CURRENCY],
    ['LYD 5.000', NO_CURRENCY, NO_CURRENCY, '5000', NO_CURRENCY, NO_CURRENCY],
    ['JOD 1.231', NO_AMOUNT, NO_CURRENCY, '1231', NO_CURRENCY, NO_CURRENCY],
    ['TND 10.005', NO_AMOUNT, NO_CURRENCY, '10005', NO_CURRENCY, NO_CURRENCY],
    ['JOD 1.230', '1230', NO_CURRENCY, '1230', NO_CURRENCY, NO_CURRENCY],
    ['OMR 1.231', NO_AMOUNT, NO_CURRENCY, '1231', NO_CURRENCY, NO_CURRENCY],
    ['XOF 15000', '15000', NO_CURRENCY, '15000', NO_CURRENCY, NO_CURRENCY],
    ['EUR 0.00', '0', '0.00', '0', NO_CURRENCY, NO_CURRENCY],
  ];

  for (const [text, stripe, paypal, payzoneGateway, payzonePaywall, cmi] of rows) {
    test(`${text} is written as each provider documents, or refused`, () => {
      const value = moneyOf(text);
      assert.equal(
        written(() => toProviderMinor('stripe', value)),
        stripe,
        'stripe',
      );
      assert.equal(
        written(() => toProviderDecimal('paypal', value)),
        paypal,
        'paypal',
      );
      assert.equal(
        written(() => toProviderMinor('payzone_gateway', value)),
        payzoneGateway,
        'payzone A',
      );
      assert.equal(
        written(() => toProviderDecimal('payzone_paywall', value)),
        payzonePaywall,
        'payzone C',
      );
      assert.equal(
        written(() => toProviderDecimal('cmi', value)),
        cmi,
        'cmi',
      );
      assert.equal(toProviderMinor('simulator', value), value.amountMinor);
    });
  }

  test('Tempo counts six decimals, and takes no dirhams', () => {
    assert.equal(toProviderMinor('tempo', moneyOf('USD 1.23')), 1_230_000n);
    assert.equal(toProviderMinor('tempo', moneyOf('USD 0.01')), 10_000n);
    assert.throws(() => toProviderMinor('tempo', moneyOf('MAD 1.23')), { code: NO_CURRENCY });
  });
});

describe('a refusal', () => {
  test('explains itself in words', () => {
    const expected: [IntegerProvider, string, RegExp][] = [
      ['stripe', 'KWD 5.124', /multiples of 10/],
      ['stripe', 'MGA 0.20', /share only 0 decimals/],
      ['stripe', 'UGX 5', /live account/],
      ['stripe', 'IQD 1.000', /three-decimal/],
      ['stripe', 'KPW 1.00', /does not take KPW/],
      ['stripe', 'USD 1000000.00', /at most 8 digits/],
    ];
    for (const [provider, text, words] of expected) {
      assert.throws(
        () => toProviderMinor(provider, moneyOf(text)),
        { name: 'MoneyError', message: words },
        text,
      );
    }
    assert.throws(() => toProviderDecimal('paypal', moneyOf('MAD 10.00')), { message: /recorded rate/ });
  });

  test('covers negative amounts, and codes that are no currency', () => {
    for (const provider of INTEGER_PROVIDERS) {
      assert.throws(() => toProviderMinor(provider, money(-100n, 'USD')), { code: 'amount_negative' });
      assert.throws(() => toProviderMinor(provider, { amountMinor: 100n, currency: 'usd' }), {
        code: 'unknown_currency',
      });
      assert.throws(() => fromProviderMinor(provider, 100n, 'usd'), { code: 'unknown_currency' });
    }
    assert.throws(() => toProviderDecimal('paypal', money(-100n, 'USD')), { code: 'amount_negative' });
  });

  test('covers what the provider itself could not have reported', () => {
    assert.throws(() => fromProviderMinor('stripe', 550n, 'ISK'), { code: NO_AMOUNT });
    assert.throws(() => fromProviderMinor('stripe', 5124n, 'KWD'), { code: NO_AMOUNT });
    assert.throws(() => fromProviderMinor('stripe', 500n, 'UGX'), { code: NO_CURRENCY });
    assert.throws(() => fromProviderMinor('tempo', 1_230_001n, 'USD'), { code: NO_AMOUNT });
    assert.throws(() => fromProviderDecimal('paypal', '1234.50', 'HUF'), { code: 'too_many_decimals' });
    assert.throws(() => fromProviderDecimal('paypal', '-1.00', 'EUR'), { code: 'amount_malformed' });
    assert.throws(() => fromProviderDecimal('paypal', '1.00', 'MAD'), { code: NO_CURRENCY });
    assert.throws(() => fromProviderDecimal('cmi', '1,00', 'MAD'), { code: 'amount_malformed' });
  });
});

describe('limits', () => {
  test('stop at the digits the field holds', () => {
    const widest: [IntegerProvider, string, bigint][] = [
      ['stripe', 'USD', 99_999_999n],
      ['stripe', 'MAD', 99_999_999n],
      ['stripe', 'IDR', 999_999_999_999n],
      ['stripe', 'LBP', 99_999_999_999n],
      ['stripe', 'COP', 9_999_999_999n],
      ['stripe', 'HUF', 9_999_999_999n],
      ['stripe', 'JPY', 9_999_999_999n],
      ['stripe', 'INR', 999_999_999n],
      ['payzone_gateway', 'MAD', 9_999_999_999n],
      ['simulator', 'MAD', 999_999_999_999_999n],
    ];
    for (const [provider, currency, units] of widest) {
      assert.equal(toProviderMinor(provider, money(units, currency)), units);
      assert.throws(() => toProviderMinor(provider, money(units + 1n, currency)), { code: 'above_maximum' });
    }
    // Stripe's ISK digits are counted after the two zeros it asks for.
    assert.equal(toProviderMinor('stripe', money(999_999n, 'ISK')), 99_999_900n);
    assert.throws(() => toProviderMinor('stripe', money(1_000_000n, 'ISK')), { code: 'above_maximum' });
    assert.equal(toProviderDecimal('cmi', money(10n ** 12n - 1n, 'MAD')), '9999999999.99');
    assert.throws(() => toProviderDecimal('cmi', money(10n ** 12n, 'MAD')), { code: 'above_maximum' });
  });

  test('refuse a Stripe charge below its published minimum, but not a refund of that size', () => {
    const smallest: [string, bigint][] = [
      ['USD', 50n],
      ['EUR', 50n],
      ['GBP', 30n],
      ['CHF', 50n],
      ['JPY', 50n],
      ['AED', 200n],
      ['CZK', 1500n],
      ['DKK', 250n],
      ['HUF', 17_500n],
      ['MXN', 1000n],
      ['THB', 1000n],
    ];
    for (const [currency, amountMinor] of smallest) {
      const least = money(amountMinor, currency);
      const less = money(amountMinor - 1n, currency);
      assert.deepEqual(minimumCharge('stripe', currency), least);
      requireChargeable('stripe', least);
      assert.throws(() => requireChargeable('stripe', less), { code: 'below_minimum' }, currency);
      assert.equal(toProviderMinor('stripe', less), amountMinor - 1n);
    }
  });

  test('refuse a charge of nothing at every provider', () => {
    for (const provider of PROVIDERS) {
      for (const currency of AMOUNT_RULES[provider].currencies) {
        assert.throws(() => requireChargeable(provider, money(0n, currency)), { code: 'below_minimum' });
      }
    }
  });

  test('leave currencies without a published minimum to the provider', () => {
    assert.equal(minimumCharge('stripe', 'MAD'), undefined);
    assert.equal(minimumCharge('simulator', 'USD'), undefined);
    requireChargeable('stripe', money(1n, 'MAD'));
    assert.throws(() => minimumCharge('stripe', 'UGX'), { code: NO_CURRENCY });
    assert.throws(() => requireChargeable('stripe', moneyOf('KWD 5.124')), { code: NO_AMOUNT });
  });
});

describe('currency names', () => {
  test('are written as each provider spells them and read back', () => {
    assert.equal(toProviderCurrency('stripe', 'MAD'), 'mad');
    assert.equal(toProviderCurrency('paypal', 'EUR'), 'EUR');
    assert.equal(toProviderCurrency('cmi', 'MAD'), '504');
    for (const provider of PROVIDERS) {
      for (const currency of AMOUNT_RULES[provider].currencies) {
        assert.equal(fromProviderCurrency(provider, toProviderCurrency(provider, currency)), currency);
      }
    }
  });

  test('of another provider are not understood', () => {
    const refused: [AmountProvider, string][] = [
      ['stripe', 'MAD'],
      ['stripe', 'ugx'],
      ['paypal', 'eur'],
      ['paypal', 'MAD'],
      ['cmi', 'MAD'],
      ['cmi', '978'],
      ['simulator', 'XXX'],
      ['simulator', ''],
    ];
    for (const [provider, name] of refused) {
      assert.throws(() => fromProviderCurrency(provider, name), { code: NO_CURRENCY }, `${provider} ${name}`);
    }
  });

  test('in the rules are all ISO currencies, and each exception is for a currency of its provider', () => {
    for (const provider of PROVIDERS) {
      const rule = AMOUNT_RULES[provider];
      assert.ok(rule.currencies.size > 0);
      for (const code of rule.currencies)
        assert.ok(isCurrency(code) && supportsCurrency(provider, code), code);
      const exceptions = [rule.exponentOverrides, rule.multiples, rule.digitsMaxOverrides, rule.minimums];
      for (const code of exceptions.flatMap((exception) => Object.keys(exception))) {
        assert.ok(rule.currencies.has(code), `${provider} ${code}`);
      }
      for (const code of Object.keys(rule.refusals)) {
        assert.ok(isCurrency(code) && !supportsCurrency(provider, code), `${provider} ${code}`);
      }
    }
    assert.equal(Object.keys(AMOUNT_RULES).length, PROVIDERS.length);
    assert.equal(AMOUNT_RULES.paypal.currencies.size, 25);
    assert.equal(supportsCurrency('simulator', 'XXX'), false);
  });
});

/** "KWD 5.120" as Money. */
function moneyOf(text: string): Money {
  const [currency = '', amount = ''] = text.split(' ');
  return parseAmount(amount, currency);
}
