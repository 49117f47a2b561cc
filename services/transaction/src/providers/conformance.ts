import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
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
import { waitFor } from '@centra/testkit/pause.ts';
import * as fc from 'fast-check';
import { FAILURES } from './failure.ts';
import type { Capabilities, Outcome, Provider, SaleAttempt } from './provider.ts';

/** What a test file provides of one adapter; the tests below are the same for all. */
export type Subject = {
  name: IntegerProvider;
  /** What the adapter is expected to declare; each declaration has a test that it is kept. */
  declares: Capabilities;
  provider(): Provider;
  /** The same adapter where nobody listens; absent where there is nothing to reach. */
  unreachable?(): Provider;
  /** A new sale with a new key, with a card that behaves so. */
  attempt(
    card: 'approved' | 'declined' | 'unknown' | 'challenged',
    change?: Partial<SaleAttempt>,
  ): Promise<SaleAttempt>;
  /** How often the provider itself says that money moved for it; absent where the adapter is the provider. */
  effects?(attempt: SaleAttempt): Promise<number>;
  /** How a wrong and an insufficient credential look; absent where any will do. */
  credentials(): Promise<{
    valid: Record<string, string>;
    wrong?: Record<string, string>;
    /** Each lacks something that charging needs. */
    insufficient?: Record<string, string>[];
    ofOtherMode: { mode: 'test' | 'live'; credentials: Record<string, string> };
  }>;
};

/** The suite that every provider adapter passes. Nothing is assumed of one that it does not declare. */
export function conformance(subject: Subject): void {
  describe(`${subject.name} conforms`, () => {
    test('it declares what is tested here, no more and no less', () => {
      assert.equal(subject.provider().name, subject.name);
      assert.deepEqual(subject.provider().capabilities, subject.declares);
    });
    sales(subject);
    lookups(subject);
    amounts(subject);
    credentials(subject);
  });
}

function sales(subject: Subject): void {
  test('an approved card succeeds with a reference and what may be shown of the card', async () => {
    const attempt = await subject.attempt('approved');
    const outcome = await subject.provider().sale(attempt);
    assert.equal(outcome.kind, 'succeeded');
    assert.ok(referenceOf(outcome));
    assert.deepEqual('card' in outcome && outcome.card?.last4, '4242');
    if (subject.effects) assert.equal(await subject.effects(attempt), 1);
  });

  test('a declined card is declined with one of our reasons, and no money moves', async () => {
    const attempt = await subject.attempt('declined');
    const outcome = await subject.provider().sale(attempt);
    assert.ok(outcome.kind === 'declined');
    assert.equal(outcome.failure.code, 'insufficient_funds');
    assert.equal(outcome.failure.message, FAILURES.insufficient_funds.message);
    assert.equal(outcome.beforeCharge, undefined, 'this is the word of the bank, not a refusal at the door');
    if (subject.effects) assert.equal(await subject.effects(attempt), 0);
  });

  test('an unknown card token is declined as such, and no money moves', async () => {
    const attempt = await subject.attempt('unknown');
    const outcome = await subject.provider().sale(attempt);
    assert.ok(outcome.kind === 'declined');
    assert.equal(outcome.failure.code, 'card_token_invalid');
    if (subject.effects) assert.equal(await subject.effects(attempt), 0);
  });

  test('the same key twice, at once or later, gives the same outcome and one effect', async () => {
    for (const card of ['approved', 'declined'] as const) {
      const attempt = await subject.attempt(card);
      const first = await subject.provider().sale(attempt);
      assert.deepEqual(await subject.provider().sale(attempt), first);
      if (subject.effects) assert.equal(await subject.effects(attempt), card === 'approved' ? 1 : 0);
    }
    const raced = await subject.attempt('approved');
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, async () => await subject.provider().sale(raced)),
    );
    for (const { kind } of outcomes)
      assert.ok(kind === 'succeeded' || kind === 'unknown' || kind === 'not_sent', kind);
    assert.equal((await subject.provider().sale(raced)).kind, 'succeeded');
    if (subject.effects) assert.equal(await subject.effects(raced), 1);
  });

  test('another key is another charge', async () => {
    const [one, other] = [await subject.attempt('approved'), await subject.attempt('approved')];
    const references = await Promise.all(
      [one, other].map(async (attempt) => referenceOf(await subject.provider().sale(attempt))),
    );
    assert.equal(new Set(references).size, 2);
  });

  test('a card that needs a challenge is declined when the guest cannot be sent anywhere', async () => {
    const attempt = await subject.attempt('challenged', { returnUrl: undefined });
    const outcome = await subject.provider().sale(attempt);
    assert.ok(outcome.kind === 'declined');
    assert.equal(outcome.failure.code, 'authentication_required');
  });

  const { unreachable } = subject;
  if (unreachable)
    test('a provider nobody answers for: the sale says that nothing was sent', async () => {
      assert.equal((await unreachable().sale(await subject.attempt('approved'))).kind, 'not_sent');
    });
}

function lookups(subject: Subject): void {
  test('retrieve says of each sale what the sale said', async () => {
    for (const card of ['approved', 'declined'] as const) {
      const attempt = await subject.attempt(card);
      const sold = await subject.provider().sale(attempt);
      const found = await subject.provider().retrieve(attempt, referenceOf(sold));
      assert.deepEqual([found.kind, referenceOf(found)], [sold.kind, referenceOf(sold)]);
      if (found.kind === 'declined' && sold.kind === 'declined')
        assert.equal(found.failure.code, sold.failure.code);
    }
  });

  if (subject.declares.lookupByReference)
    test('declared: a lookup finds the sale by our own reference, with its card', async () => {
      const attempt = await subject.attempt('approved');
      const sold = await subject.provider().sale(attempt);
      const found = await waitFor('the lookup to find it', async () => {
        const seen = await subject.provider().lookup(attempt);
        return seen.kind === 'succeeded' ? seen : undefined;
      });
      assert.equal(referenceOf(found), referenceOf(sold));
      assert.equal(found.card?.last4, '4242');
    });

  if (subject.declares.cancelChallenge)
    test('declared: an open challenge can be withdrawn, and then nothing can be collected', async () => {
      const attempt = await subject.attempt('challenged', { returnUrl: 'https://hotel.example.com/back' });
      const sold = await subject.provider().sale(attempt);
      assert.ok(sold.kind === 'requires_action');
      assert.match(sold.redirectUrl, /^https?:/);
      const canceled = await subject.provider().cancelChallenge(attempt, sold.providerReference);
      assert.ok(canceled.kind === 'declined');
      assert.equal(canceled.failure.code, 'authentication_abandoned');
      assert.equal((await subject.provider().retrieve(attempt, sold.providerReference)).kind, 'declined');
    });

  test('withdrawing what is already paid answers that it is paid', async () => {
    const attempt = await subject.attempt('approved');
    const sold = await subject.provider().sale(attempt);
    assert.equal((await subject.provider().cancelChallenge(attempt, referenceOf(sold))).kind, 'succeeded');
  });
}

function amounts(subject: Subject): void {
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
      const smallest = minimumOf(subject.name, currency);
      const attempt = await subject.attempt('approved', {
        money: { amountMinor: smallest + 12_340n, currency },
      });
      // The adapter itself compares what was collected with what was asked for; anything else is unknown.
      assert.equal((await subject.provider().sale(attempt)).kind, 'succeeded');
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

function credentials(subject: Subject): void {
  test('credentials are called valid, wrong, insufficient, of the other mode or unreachable as they are', async () => {
    const given = await subject.credentials();
    const valid = await check(subject.provider(), 'test', given.valid);
    assert.equal(valid.result, 'ok');
    assert.notEqual(valid.accountName, '');
    const { mode, credentials: other } = given.ofOtherMode;
    assert.equal((await check(subject.provider(), mode, other)).result, 'wrong_mode');
    if (given.wrong) assert.equal((await check(subject.provider(), 'test', given.wrong)).result, 'rejected');
    for (const lacking of given.insufficient ?? [])
      assert.equal(
        (await check(subject.provider(), 'test', lacking)).result,
        'insufficient',
        JSON.stringify(Object.keys(lacking)),
      );
    if (subject.unreachable)
      assert.equal((await check(subject.unreachable(), 'test', given.valid)).result, 'unreachable');
  });

  test('what is said about credentials never repeats them', async () => {
    const given = await subject.credentials();
    for (const some of [given.valid, given.wrong ?? {}, ...(given.insufficient ?? [])]) {
      const { message, accountName } = await check(subject.provider(), 'test', some);
      for (const secret of Object.values(some)) assert.ok(!`${message}${accountName}`.includes(secret));
    }
  });
}

async function check(
  provider: Provider,
  mode: 'test' | 'live',
  given: Record<string, string>,
): ReturnType<Provider['checkCredentials']> {
  return await provider.checkCredentials(mode, new Map(Object.entries(given)));
}

function referenceOf(outcome: Outcome | { kind: 'absent' }): string {
  const reference = 'providerReference' in outcome ? outcome.providerReference : undefined;
  assert.ok(reference, `${outcome.kind} carries a reference`);
  return reference;
}
