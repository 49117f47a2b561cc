import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createPool } from '@centra/service-kit/database.ts';
import type { Pool } from '@centra/service-kit/database.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { createTestDatabase } from '@centra/testkit/test-database.ts';
import type { TestDatabase } from '@centra/testkit/test-database.ts';
import { databaseRoles, migrate, migrationsFolder } from '../../migrate.ts';
import { ALL_EXTRAS, newCharge, newFollowUp, opened } from '../../testing/attempts.ts';
import { createCardVaults } from '../card-transport.ts';
import type { ChargeAttempt, FollowUpAttempt, Lookup, PaymentStanding } from '../provider.ts';
import { FOLLOW_UP_AMOUNTS } from './simulator-amounts.ts';
import { disputeReferenceOf } from './simulator-standing.ts';
import { createSimulator } from './simulator.ts';
import type { Simulator } from './simulator.ts';

const DAY_MS = 24 * 60 * 60_000;

let database: TestDatabase;
let pool: Pool;
let provider: Simulator;

before(async () => {
  database = await createTestDatabase({
    service: 'transaction',
    roles: databaseRoles,
    migrationsFolder,
    migrate,
  });
  pool = createPool({
    url: database.url,
    max: 4,
    applicationName: 'test',
    log: createLog('test', 'silent'),
  });
  provider = createSimulator({ vaults: createCardVaults({}), pool, challengeUrl: '' });
});
after(async () => {
  await pool.end();
  await database.drop();
});

type Known = { charge: ChargeAttempt; reference: string };

async function charged(
  token: string,
  amountMinor: bigint,
  change: Partial<ChargeAttempt> = {},
): Promise<Known> {
  const charge = newCharge(opened(`pa_${randomUUID()}`, 'simulator', {}), token, {
    money: { amountMinor, currency: 'EUR' },
    extras: ALL_EXTRAS,
    ...change,
  });
  const outcome = await provider.charge(charge);
  assert.ok(outcome.kind === 'succeeded', outcome.kind);
  return { charge, reference: outcome.providerReference };
}

async function held(token: string, amountMinor: bigint, change: Partial<ChargeAttempt> = {}): Promise<Known> {
  return await charged(token, amountMinor, { captureMethod: 'manual', ...change });
}

function next(
  { charge, reference }: Known,
  kind: FollowUpAttempt['kind'],
  amountMinor: bigint,
): FollowUpAttempt {
  return newFollowUp(charge, reference, kind, amountMinor);
}

function resultOf(outcome: Lookup): string {
  return outcome.kind === 'declined' ? outcome.failure.code : outcome.kind;
}

async function result(attempt: FollowUpAttempt): Promise<string> {
  return resultOf(await provider.followUp(attempt));
}

async function standing({ charge, reference }: Known): Promise<PaymentStanding> {
  const found = await provider.standing(charge.account, reference, 'EUR');
  assert.ok(found);
  return found;
}

test('of 64 refunds of 60 out of 100 at once exactly one is made', async () => {
  const sale = await charged('sim_card_visa', 10_100n);
  // One before the race: the first that follows a charge makes the row that all others queue on.
  assert.equal(await result(next(sale, 'refund', 100n)), 'succeeded');
  const results = await Promise.all(
    Array.from({ length: 64 }, async () => await result(next(sale, 'refund', 6_000n))),
  );
  assert.equal(results.filter((one) => one === 'succeeded').length, 1);
  assert.equal(results.filter((one) => one === 'amount_refused').length, 63);
  assert.equal((await standing(sale)).refundedMinor, 6_100n);
});

test('of 64 captures and voids of one hold at once exactly one is made', async () => {
  const hold = await held('sim_card_visa', 10_000n);
  assert.equal(await result(next(hold, 'adjust', 11_000n)), 'succeeded');
  const results = await Promise.all(
    Array.from(
      { length: 64 },
      async (_, index) => await result(next(hold, index % 2 === 0 ? 'capture' : 'void', 10_000n)),
    ),
  );
  assert.equal(results.filter((one) => one === 'succeeded').length, 1);
});

test('a refused key stays refused, also when the same would be possible now', async () => {
  const hold = await held('sim_card_visa', 10_000n);
  const early = next(hold, 'refund', 1_000n);
  assert.equal(await result(early), 'refund_refused');
  assert.equal(await result(next(hold, 'capture', 10_000n)), 'succeeded');
  assert.equal(await result(early), 'refund_refused');
  assert.equal(resultOf(await provider.lookupFollowUp(early)), 'refund_refused');
  assert.equal(await result(next(hold, 'refund', 1_000n)), 'succeeded');
});

test('a key that was used for something else is answered as unknown, and adds nothing', async () => {
  const sale = await charged('sim_card_visa', 10_000n);
  const first = next(sale, 'refund', 1_000n);
  assert.equal(await result(first), 'succeeded');
  const other = await provider.followUp({ ...first, money: { amountMinor: 2_000n, currency: 'EUR' } });
  assert.deepEqual([other.kind, 'onlyLookupTells' in other && other.onlyLookupTells], ['unknown', true]);
  assert.equal((await standing(sale)).refundedMinor, 1_000n);
});

test('a reference that is not of the simulator, of another currency or of a declined payment is refused', async () => {
  const sale = await charged('sim_card_visa', 10_000n);
  for (const reference of ['', 'sim_0123', 'pi_123', `${sale.reference}x`.replace('visa', 'vis')])
    assert.equal(await result(next({ ...sale, reference }, 'refund', 1_000n)), 'refund_refused');
  const yen = { ...next(sale, 'refund', 1_000n), money: { amountMinor: 1_000n, currency: 'JPY' } };
  assert.equal(await result(yen), 'refund_refused');
  assert.equal(await provider.standing(sale.charge.account, sale.reference, 'JPY'), undefined);
  const declined = await provider.charge(newCharge(sale.charge.account, 'sim_card_declined'));
  const reference = 'providerReference' in declined ? (declined.providerReference ?? '') : '';
  assert.equal(await result(next({ ...sale, reference }, 'capture', 1_000n)), 'capture_refused');
});

test('nothing follows a challenge that was not approved', async () => {
  const { account } = (await charged('sim_card_visa', 10_000n)).charge;
  const charge = newCharge(account, 'sim_card_authentication_required', {
    returnUrl: 'https://hotel.example.com',
  });
  const waiting = await provider.charge(charge);
  assert.ok(waiting.kind === 'requires_action');
  assert.equal(
    await result(next({ charge, reference: waiting.providerReference }, 'refund', 1n)),
    'refund_refused',
  );
});

describe('each refusal has its own name', () => {
  const cases: [name: string, code: string, run: () => Promise<string>][] = [
    ['captured before', 'already_captured', async () => await afterCapture('capture', 1_000n)],
    ['a void of what is captured', 'already_captured', async () => await afterCapture('void', 10_000n)],
    ['a raise of what is captured', 'already_captured', async () => await afterCapture('adjust', 20_000n)],
    [
      'everything given back',
      'already_refunded',
      async () => {
        const sale = await charged('sim_card_visa', 10_000n);
        await result(next(sale, 'refund', 10_000n));
        return await result(next(sale, 'refund', 1n));
      },
    ],
    [
      'after a void',
      'canceled',
      async () => {
        const hold = await held('sim_card_visa', 10_000n);
        await result(next(hold, 'void', 10_000n));
        return await result(next(hold, 'capture', 10_000n));
      },
    ],
    [
      'after the hold lapsed',
      'hold_expired',
      async () => {
        const createdAt = new Date(Date.now() - 8 * DAY_MS);
        const hold = await held('sim_card_visa', 10_000n, {
          createdAt,
          extras: { ...ALL_EXTRAS, extended: false },
        });
        return await result(next(hold, 'capture', 10_000n));
      },
    ],
    [
      'an extended hold, after a week',
      'succeeded',
      async () => {
        const createdAt = new Date(Date.now() - 8 * DAY_MS);
        return await result(
          next(await held('sim_card_mastercard', 10_000n, { createdAt }), 'capture', 10_000n),
        );
      },
    ],
    [
      'a disputed payment',
      'disputed',
      async () => await result(next(await charged('sim_card_dispute', 10_000n), 'refund', 1_000n)),
    ],
    [
      'an inquiry is no dispute yet',
      'succeeded',
      async () => await result(next(await charged('sim_card_inquiry', 10_000n), 'refund', 1_000n)),
    ],
    [
      'a refund after 181 days',
      'refund_refused',
      async () => {
        const createdAt = new Date(Date.now() - 181 * DAY_MS);
        return await result(next(await charged('sim_card_visa', 10_000n, { createdAt }), 'refund', 1_000n));
      },
    ],
    [
      'a card whose captures are declined',
      'processing_error',
      async () => await result(next(await held('sim_card_capture_declined', 10_000n), 'capture', 10_000n)),
    ],
    [
      'a card whose raises are declined',
      'insufficient_funds',
      async () => await result(next(await held('sim_card_raise_declined', 10_000n), 'adjust', 12_000n)),
    ],
    [
      'a card without extras',
      'adjustment_refused',
      async () => await result(next(await held('sim_card_no_extras', 10_000n), 'adjust', 12_000n)),
    ],
    [
      'a card whose refunds are declined',
      'refund_refused',
      async () => await result(next(await charged('sim_card_refund_declined', 10_000n), 'refund', 1_000n)),
    ],
  ];
  for (const [name, code, run] of cases)
    test(`${name}: ${code}`, async () => assert.equal(await run(), code));
});

async function afterCapture(kind: FollowUpAttempt['kind'], amountMinor: bigint): Promise<string> {
  const hold = await held('sim_card_visa', 10_000n);
  assert.equal(await result(next(hold, 'capture', 5_000n)), 'succeeded');
  return await result(next(hold, kind, amountMinor));
}

describe('magic amounts of what follows', () => {
  const cases: [amountMinor: bigint, first: string, lookups: string[], again: string][] = [
    [66_640n, 'unknown', ['succeeded'], 'unknown'],
    [66_641n, 'unknown', ['absent', 'absent'], 'unknown'],
    [66_642n, 'unknown', ['absent', 'succeeded'], 'unknown'],
    [66_643n, 'not_sent', ['absent'], 'succeeded'],
    [66_644n, 'succeeded', ['succeeded'], 'succeeded'],
    [66_650n, 'processing_error', ['processing_error'], 'processing_error'],
    [66_651n, 'pending', ['pending'], 'pending'],
    [66_652n, 'pending', ['pending'], 'pending'],
    [66_653n, 'succeeded', ['succeeded'], 'succeeded'],
  ];
  for (const [amountMinor, first, lookups, again] of cases)
    test(`a refund of ${amountMinor}: ${first}, looked up: ${lookups.join(', then ')}`, async () => {
      const attempt = next(await charged('sim_card_visa', 100_000n), 'refund', amountMinor);
      assert.equal(await result(attempt), first);
      for (const lookup of lookups) assert.equal(resultOf(await provider.lookupFollowUp(attempt)), lookup);
      assert.equal(await result(attempt), again);
    });
  test('every one of them is tested here', () => {
    assert.deepEqual(
      cases.map(([amountMinor]) => amountMinor),
      [...FOLLOW_UP_AMOUNTS.keys()],
    );
  });
  for (const kind of ['capture', 'void', 'adjust'] as const)
    test(`a ${kind} whose answer is lost had its effect once`, async () => {
      const hold = await held('sim_card_visa', kind === 'adjust' ? 50_000n : 66_640n);
      const attempt = next(hold, kind, 66_640n);
      for (let send = 0; send < 3; send += 1) assert.equal(await result(attempt), 'unknown');
      assert.equal(resultOf(await provider.lookupFollowUp(attempt)), 'succeeded');
      const { capturedMinor, capturableMinor } = await standing(hold);
      const expected = { capture: [66_640n, 0n], void: [0n, 0n], adjust: [0n, 66_640n] };
      assert.deepEqual([capturedMinor, capturableMinor], expected[kind]);
    });
});

test('a refund that settles later counts as given back meanwhile, and is never rewritten', async () => {
  const quick = createSimulator({ vaults: createCardVaults({}), pool, challengeUrl: '', refundDelayMs: 0 });
  const sale = await charged('sim_card_refund_pending', 10_000n);
  const slow = next(sale, 'refund', 6_000n);
  assert.equal(await result(slow), 'pending');
  assert.equal(await result(next(sale, 'refund', 6_000n)), 'amount_refused');
  assert.equal((await standing(sale)).refundedMinor, 0n);
  // Another process whose banks are quick: the first refund keeps its own time.
  assert.equal(resultOf(await quick.followUp(next(sale, 'refund', 4_000n))), 'succeeded');
  assert.equal((await standing(sale)).refundedMinor, 4_000n);
  const failing = await charged('sim_card_refund_fails_later', 10_000n);
  assert.equal(resultOf(await quick.followUp(next(failing, 'refund', 4_000n))), 'refund_refused');
  assert.equal((await standing(failing)).refundedMinor, 0n);
  await assert.rejects(pool.query(`update simulator_effects set amount_minor = 1`), /append-only/);
});

test('a dispute is told with its amount and reason, and is lost when nobody hands in evidence', async () => {
  const sale = await charged('sim_card_dispute', 10_000n);
  const { account } = sale.charge;
  const open = await provider.readDispute(account, disputeReferenceOf(sale.reference));
  assert.deepEqual(
    [open?.status, open?.money, open?.reason, open?.isInquiry],
    ['open', { amountMinor: 10_000n, currency: 'EUR' }, 'fraudulent', false],
  );
  assert.ok(open?.evidenceDueAt);
  const createdAt = new Date(Date.now() - 8 * DAY_MS);
  const old = await charged('sim_card_dispute_not_received', 10_000n, { createdAt });
  const lost = await provider.readDispute(account, disputeReferenceOf(old.reference));
  assert.deepEqual([lost?.status, lost?.evidenceDueAt], ['lost', undefined]);
  const inquiry = await charged('sim_card_inquiry', 10_000n, { createdAt });
  const closed = await provider.readDispute(account, disputeReferenceOf(inquiry.reference));
  assert.deepEqual([closed?.status, closed?.isInquiry], ['closed', true]);
  const hold = await held('sim_card_dispute', 10_000n);
  assert.equal(await provider.readDispute(account, disputeReferenceOf(hold.reference)), undefined);
});
