import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import { paymentOf, startTestService } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import { startWorld } from '../testing/world.ts';
import type { World } from '../testing/world.ts';
import { resolveDue } from './resolve-unknown.ts';
import { ATTEMPTS_MAX, SOFT_DECLINES } from './retry-policy.ts';
import { consentedSale } from './test-retries.ts';

/**
 * Cards as a hotel meets them with its own charges. `recoverable` are those whose bank approves a later try at all; the
 * chances are those of docs/providers/simulator.md.
 */
const CARDS = [
  { token: 'sim_card_recovers_on_second_try', count: 100, recoverable: true },
  { token: 'sim_card_recovers_on_third_try', count: 80, recoverable: true },
  { token: 'sim_card_recovers_by_chance', count: 80, recoverable: true },
  { token: 'sim_card_recovers_rarely', count: 30, recoverable: true },
  { token: 'sim_card_insufficient_funds', count: 20, recoverable: false },
  { token: 'sim_card_declined', count: 20, recoverable: false },
  { token: 'sim_card_lost', count: 10, recoverable: false },
  { token: 'sim_card_expired', count: 10, recoverable: false },
  { token: 'sim_card_suspected_fraud', count: 10, recoverable: false },
  { token: 'sim_card_visa', count: 40, recoverable: false },
] as const;
const TOTAL = CARDS.reduce((sum, { count }) => sum + count, 0);

type Result = {
  token: string;
  calls: number;
  hard_again: number;
  soft_first: boolean;
  status: string;
  codes: string[];
};

let world: World;
let service: TestService;

before(async () => {
  world = await startWorld();
  service = await startTestService(world, {
    sweepIntervalMs: 600_000,
    holdIntervalMs: 600_000,
    credentialTtlMs: 60_000,
  });
});
after(async () => {
  await service.close();
  await world.close();
});

test(`simulation of ${TOTAL} payments: over 80 % of recoverable soft declines are recovered, no hard decline is tried again`, async (t) => {
  const hotel = await world.simulatorHotel();
  const tokens = CARDS.flatMap(({ token, count }) => Array.from({ length: count }, () => token));
  // A few at a time: the machine is shared.
  for (let from = 0; from < tokens.length; from += 20)
    await Promise.all(
      tokens.slice(from, from + 20).map(async (token) => {
        const { status } = paymentOf(await service.sale(consentedSale(hotel, token)));
        assert.notEqual(status, PaymentStatus.PAYMENT_STATUS_REQUIRES_ACTION);
      }),
    );
  // One day after the other goes by, until nothing is planned any more.
  for (let day = 0; day < 60 && (await hasPlans(hotel.merchantId)); day += 1) {
    await world.admin.query(
      `update operations set due_at = due_at - interval '1 day', created_at = created_at - interval '1 day'
        where merchant_id = $1 and state = 'prepared' and sequence > 1`,
      [hotel.merchantId],
    );
    while ((await resolveDue(service.context)) > 0);
  }
  assert.equal(await hasPlans(hotel.merchantId), false, 'everything came to its end');

  const results = await read(hotel.merchantId);
  assert.equal(results.length, TOTAL);
  const table = CARDS.map(({ token }) => rowOf(token, results));
  for (const row of table) t.diagnostic(row);
  const softly = results.filter(({ soft_first, token }) => soft_first && isRecoverable(token));
  const recovered = softly.filter(({ status }) => status === 'succeeded');
  const rate = recovered.length / softly.length;
  t.diagnostic(
    `recovered: ${recovered.length} of ${softly.length} recoverable soft declines (${(100 * rate).toFixed(1)} %)`,
  );
  assert.ok(softly.length >= 200, 'enough to mean something');
  assert.ok(rate > 0.8, `${(100 * rate).toFixed(1)} %`);
  for (const result of results) {
    assert.ok(result.calls <= ATTEMPTS_MAX, `${result.token}: ${result.calls} calls`);
    const hard = result.codes
      .slice(0, -1)
      .filter((code) => ![...SOFT_DECLINES.keys()].some((soft) => soft === code));
    assert.deepEqual(hard, [], 'nothing follows a hard decline');
  }
  const never = results.filter(({ token }) => token === 'sim_card_insufficient_funds');
  assert.ok(never.every(({ calls, status }) => calls === ATTEMPTS_MAX && status === 'failed'));
});

async function hasPlans(merchantId: string): Promise<boolean> {
  const { rows } = await world.admin.query(
    `select 1 from operations where merchant_id = $1 and state not in ('succeeded', 'declined') limit 1`,
    [merchantId],
  );
  return rows.length > 0;
}

async function read(merchantId: string): Promise<Result[]> {
  const { rows } = await world.admin.query<Result>(
    `select min(o.card_token) as token, count(*)::int as calls, p.status,
            bool_or(o.sequence = 1 and o.state = 'declined'
                    and o.failure->>'code' in ('insufficient_funds', 'try_again_later', 'processing_error')) as soft_first,
            array_agg(coalesce(o.failure->>'code', 'approved') order by o.sequence) as codes
       from operations o join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
      where o.merchant_id = $1 group by p.id, p.status`,
    [merchantId],
  );
  return rows;
}

function isRecoverable(token: string): boolean {
  return CARDS.some((card) => card.token === token && card.recoverable);
}

function rowOf(token: string, all: readonly Result[]): string {
  const results = all.filter((result) => result.token === token);
  const softly = results.filter(({ soft_first }) => soft_first);
  const recovered = softly.filter(({ status }) => status === 'succeeded').length;
  const calls = results.reduce((sum, result) => sum + result.calls, 0);
  const callsMax = Math.max(...results.map((result) => result.calls));
  return [
    `${token}:`,
    `${results.length} payments, ${softly.length} softly declined, ${recovered} recovered,`,
    `${(calls / results.length).toFixed(2)} calls each, at most ${callsMax}`,
  ].join(' ');
}
