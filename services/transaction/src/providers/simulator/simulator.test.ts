import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { databaseRoles, migrate, migrationsFolder } from '../../migrate.ts';
import { newCharge, newFollowUp, opened } from '../../testing/attempts.ts';
import { startVaulteraSimulator } from '../../testing/simulators.ts';
import type { VaulteraSimulator } from '../../testing/simulators.ts';
import { createCardVaults } from '../card-transport.ts';
import { FAILURES } from '../failure.ts';
import type { ChargeAttempt, Lookup } from '../provider.ts';
import { createVaultera } from '../vaultera/vaultera.ts';
import { CHARGE_AMOUNTS } from './simulator-amounts.ts';
import { BRANDS, TEST_CARDS } from './simulator-cards.ts';
import { createSimulator } from './simulator.ts';
import type { Simulator } from './simulator.ts';

let database: TestDatabase;
let pool: Pool;
let vaultera: VaulteraSimulator;
let client: ReturnType<typeof createVaultera>;
let provider: Simulator;
let apiKey: string;

before(async () => {
  [database, vaultera] = await Promise.all([
    createTestDatabase({ service: 'transaction', roles: databaseRoles, migrationsFolder, migrate }),
    startVaulteraSimulator(),
  ]);
  const log = createLog('test', 'silent');
  pool = createPool({ url: database.url, max: 4, applicationName: 'test', log });
  apiKey = (await vaultera.account()).apiKey;
  client = createVaultera({ baseUrl: `${vaultera.url}/api/v1`, timeoutMs: 15_000 });
  const vaults = createCardVaults({ vaultera: client });
  provider = createSimulator({ vaults, pool, challengeUrl: 'http://127.0.0.1/challenges' });
});
after(async () => {
  await client.close();
  await vaultera.close();
  await pool.end();
  await database.drop();
});

function attempt(
  cardToken: string,
  amountMinor = 12_500n,
  change: Partial<ChargeAttempt> = {},
): ChargeAttempt {
  return newCharge(opened(`pa_${randomUUID()}`, 'simulator', {}), cardToken, {
    money: { amountMinor, currency: 'EUR' },
    vaultAccount: opened(randomUUID(), 'vaultera', { api_key: apiKey }),
    ...change,
  });
}

function resultOf(outcome: Lookup): string {
  return outcome.kind === 'declined' ? outcome.failure.code : outcome.kind;
}

function cardOf(outcome: Lookup): string | undefined {
  return 'card' in outcome ? outcome.card?.last4 : undefined;
}

describe('a published test number captured in the vault behaves like the documented token', () => {
  const cases: [number: string, token: string, result: string][] = [
    ['4242424242424242', 'sim_card_visa', 'succeeded'],
    ['5555555555554444', 'sim_card_mastercard', 'succeeded'],
    ['378282246310005', 'sim_card_amex', 'succeeded'],
    ['6011111111111117', 'sim_card_discover', 'succeeded'],
    ['4000000000000002', 'sim_card_declined', 'card_declined'],
    ['4000000000009995', 'sim_card_insufficient_funds', 'insufficient_funds'],
    ['4000000000009987', 'sim_card_lost', 'lost_card'],
    ['4000000000009979', 'sim_card_stolen', 'stolen_card'],
    ['4000000000000069', 'sim_card_expired', 'expired_card'],
    ['4000000000000127', 'sim_card_incorrect_cvc', 'incorrect_cvc'],
    ['4000000000000119', 'sim_card_processing_error', 'processing_error'],
    ['4100000000000019', 'sim_card_suspected_fraud', 'suspected_fraud'],
    ['4000002760003184', 'sim_card_authentication_required', 'authentication_required'],
    ['4000008400001629', 'sim_card_challenge_then_declined', 'authentication_required'],
    ['4000008260003178', 'sim_card_challenge_then_insufficient_funds', 'authentication_required'],
    ['4000008400000076', 'sim_card_no_extras', 'succeeded'],
    ['4000000000007726', 'sim_card_refund_pending', 'succeeded'],
    ['4000000000005126', 'sim_card_refund_fails_later', 'succeeded'],
    ['4000000000000259', 'sim_card_dispute', 'succeeded'],
    ['4000000000002685', 'sim_card_dispute_not_received', 'succeeded'],
    ['4000000000001976', 'sim_card_inquiry', 'succeeded'],
  ];
  for (const [number, token, result] of cases)
    test(`${token}: ${result}`, async () => {
      const byToken = await provider.charge(attempt(token));
      const byVault = await provider.charge(attempt(await vaultera.card(apiKey, number)));
      assert.deepEqual([resultOf(byToken), resultOf(byVault)], [result, result]);
      for (const outcome of [byToken, byVault]) assert.equal(cardOf(outcome), number.slice(-4));
    });
  test('every documented number is tested here', () => {
    assert.deepEqual(
      cases.map(([, token]) => token).toSorted(),
      TEST_CARDS.flatMap(({ token, tokenOnly }) => (tokenOnly ? [] : [token])).toSorted(),
    );
  });
});

test('every reason of a decline that is about a card can be had', async () => {
  const results = await Promise.all(
    TEST_CARDS.map(async ({ token }) => resultOf(await provider.charge(attempt(token)))),
  );
  // These two need the guest on the bank's page; the challenges' own tests have them.
  const atTheBank = ['authentication_failed', 'authentication_abandoned'];
  for (const [code, { aboutCard }] of Object.entries(FAILURES))
    if (aboutCard && !atTheBank.includes(code)) assert.ok(results.includes(code), code);
});

test('an ordinary card of the vault that is not documented is approved, and its payment can be refunded', async () => {
  const asked = attempt(await vaultera.card(apiKey, '4111111111111111'));
  const charged = await provider.charge(asked);
  assert.ok(charged.kind === 'succeeded');
  const refund = newFollowUp(asked, charged.providerReference, 'refund', 12_500n);
  assert.equal((await provider.followUp(refund)).kind, 'succeeded');
});

describe('magic amounts', () => {
  const cases: [amountMinor: bigint, charge: string, lookup: string][] = [
    [66_601n, 'card_declined', 'card_declined'],
    [66_602n, 'insufficient_funds', 'insufficient_funds'],
    [66_603n, 'expired_card', 'expired_card'],
    [66_604n, 'try_again_later', 'try_again_later'],
    [66_605n, 'suspected_fraud', 'suspected_fraud'],
    [66_610n, 'unknown', 'succeeded'],
    [66_611n, 'unknown', 'absent'],
    [66_612n, 'unknown', 'absent'],
    [66_620n, 'succeeded', 'succeeded'],
    [66_621n, 'succeeded', 'succeeded'],
    [66_630n, 'not_sent', 'absent'],
    [66_631n, 'not_sent', 'absent'],
    [66_660n, 'insufficient_funds', 'insufficient_funds'],
    [66_600n, 'succeeded', 'succeeded'],
    [66_606n, 'succeeded', 'succeeded'],
  ];
  for (const [amountMinor, charge, lookup] of cases)
    test(`${amountMinor}: ${charge}, looked up: ${lookup}`, async () => {
      const asked = attempt('sim_card_visa', amountMinor);
      assert.deepEqual(
        [resultOf(await provider.charge(asked)), resultOf(await provider.lookup(asked))],
        [charge, lookup],
      );
    });
  test('every magic amount is tested here, and a card that declines does so whatever the amount', async () => {
    for (const amountMinor of CHARGE_AMOUNTS.keys())
      assert.ok(
        cases.some(([tested]) => tested === amountMinor),
        String(amountMinor),
      );
    assert.equal(resultOf(await provider.charge(attempt('sim_card_lost', 66_601n))), 'lost_card');
  });

  test('a lookup that misses a lost charge at first finds it the second time', async () => {
    const asked = attempt('sim_card_visa', 66_612n);
    await provider.charge(asked);
    assert.equal((await provider.lookup(asked)).kind, 'absent');
    assert.equal((await provider.lookup(asked)).kind, 'succeeded');
  });

  test('a provider that nobody reached at first takes the same charge the second time', async () => {
    const asked = attempt('sim_card_visa', 66_631n);
    assert.equal((await provider.charge(asked)).kind, 'not_sent');
    assert.equal((await provider.lookup(asked)).kind, 'absent');
    const [again, found] = [await provider.charge(asked), await provider.lookup(asked)];
    assert.equal(again.kind, 'succeeded');
    assert.deepEqual(found, again);
  });
});

describe('a partial approval', () => {
  for (const [token, amountMinor] of [
    ['sim_card_partial_approval', 12_501n],
    ['sim_card_visa', 66_660n],
  ] as const)
    test(`${token} of ${amountMinor}: half of it, and only for whoever accepts a part`, async () => {
      const refused = await provider.charge(attempt(token, amountMinor));
      assert.equal(resultOf(refused), 'insufficient_funds');
      const asked = attempt(token, amountMinor, { allowPartialApproval: true });
      const approved = await provider.charge(asked);
      assert.ok(approved.kind === 'succeeded');
      assert.equal(approved.amountMinor, amountMinor / 2n);
      const standing = await provider.standing(asked.account, approved.providerReference, 'EUR');
      assert.equal(standing?.capturedMinor, amountMinor / 2n);
    });
});

describe('a soft decline that a retry recovers', () => {
  for (const [token, tries] of [
    ['sim_card_recovers_on_second_try', 2],
    ['sim_card_recovers_on_third_try', 3],
  ] as const)
    test(`${token}: softly declined until try ${tries} of the same payment, each key answered alike for ever`, async () => {
      const first = attempt(token);
      const asked = Array.from({ length: tries }, (_, index) => ({
        ...first,
        providerKey: `${first.providerKey}-${index}`,
      }));
      for (const [index, one] of asked.entries()) {
        const outcome = await provider.charge(one);
        assert.equal(outcome.kind, index === tries - 1 ? 'succeeded' : 'declined');
        if (outcome.kind === 'declined') assert.equal(outcome.failure.retryable, true);
      }
      for (const [index, one] of asked.entries())
        assert.equal((await provider.lookup(one)).kind, index === tries - 1 ? 'succeeded' : 'declined');
      // Another payment starts from the beginning.
      assert.equal((await provider.charge({ ...attempt(token), account: first.account })).kind, 'declined');
    });

  test('by chance: about half, or a fifth, of the keys are approved, and the same key is always answered alike', async () => {
    for (const [token, percent] of [
      ['sim_card_recovers_by_chance', 50],
      ['sim_card_recovers_rarely', 20],
    ] as const) {
      let approved = 0;
      for (let index = 0; index < 1_000; index += 1) {
        const asked = { ...attempt(token), providerKey: `centra-key-${index}` };
        const outcome = await provider.charge(asked);
        if (outcome.kind === 'succeeded') approved += 1;
        else assert.ok(outcome.kind === 'declined' && outcome.failure.retryable);
        if (index < 20) assert.deepEqual(await provider.charge(asked), outcome);
      }
      // The keys are fixed, so this is the same number each time.
      assert.ok(Math.abs(approved - percent * 10) < 50, `${approved} of 1000`);
    }
  });
});

test('an ordinary charge writes nothing and depends on the operation alone: repetitions and lookups say the same', async () => {
  const silent = createSimulator({
    vaults: createCardVaults({}),
    // A pool with nobody behind it: a charge that asked the database would fail.
    pool: createPool({
      url: 'postgres://127.0.0.1:1/none',
      max: 1,
      applicationName: 'test',
      log: createLog('test', 'silent'),
    }),
    challengeUrl: '',
  });
  const asked = attempt('sim_card_visa');
  const first = await silent.charge(asked);
  assert.equal(first.kind, 'succeeded');
  assert.deepEqual(await silent.charge(asked), first);
  assert.deepEqual(await provider.lookup(asked), first);
  assert.deepEqual(await provider.retrieve(asked, first.providerReference), first);
});

test('the holds of the brands last and allow what is documented', async () => {
  const DAY_MS = 24 * 60 * 60_000;
  for (const [brand, rules] of BRANDS) {
    const token = TEST_CARDS.find((card) => card.token === `sim_card_${brand}`)?.token;
    if (token === undefined) continue;
    const extras = { multipleCapture: true, incremental: true, overcapture: true, extended: false };
    for (const [change, days] of [
      [{ extras }, rules.holdDays],
      [{ extras, initiation: 'merchant' }, rules.merchantHoldDays],
      [{ extras: { ...extras, extended: true } }, rules.extendedHoldDays],
    ] as const) {
      const asked = attempt(token, 10_000n, { captureMethod: 'manual', ...change });
      const held = await provider.charge(asked);
      assert.ok(held.kind === 'succeeded' && held.hold?.expiresAt !== undefined, brand);
      const lasts = held.hold.expiresAt.getTime() - asked.createdAt.getTime();
      assert.ok(Math.abs(lasts - days * DAY_MS) <= 1_000, `${brand}: ${lasts / DAY_MS} days`);
      assert.deepEqual(
        [held.hold.multipleCapture, held.hold.incremental, held.hold.overcaptureMinor],
        [rules.multipleCapture, rules.incremental, 100n * rules.overcapturePercent],
        brand,
      );
    }
  }
});
