import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import type { Hotel } from '@centra/dev/seed.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { Client } from 'pg';
import { request } from 'undici';
import { z } from 'zod';
import {
  arm,
  call,
  card,
  charge,
  chargesOf,
  onboardHotel,
  paymentSchema,
  rows,
  settledPayment,
  startPlatformUnderTest,
} from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

let platform: PlatformUnderTest;
before(async () => (platform = await startPlatformUnderTest()));
after(async () => await platform.end());
afterEach(async () => {
  await request(`${platform.stripeUrl}/_control/faults`, { method: 'DELETE' });
});

const accountSchema = z.object({ id: z.string(), provider: z.string(), status: z.string() }).loose();
const versionSchema = z.object({ version: z.int(), state: z.string(), is_erased: z.boolean() });

async function stripeAccount(hotel: Hotel): Promise<string> {
  const list = await call(platform, 'GET', '/v1/provider-accounts', { apiKey: hotel.apiKey });
  const { data } = z
    .object({ data: z.array(accountSchema) })
    .loose()
    .parse(list.json);
  const id = data.find(({ provider }) => provider === 'stripe')?.id;
  assert.ok(id !== undefined);
  return id;
}

/** The versions of the hotel's Stripe account as they are stored. */
async function versions(hotel: Hotel): Promise<z.infer<typeof versionSchema>[]> {
  return await rows(
    platform,
    'merchant',
    `select v.version, v.state, v.sealed_fields is null as is_erased
       from provider_account_versions v
       join provider_accounts a on a.merchant_id = v.merchant_id and a.id = v.provider_account_id
      where v.merchant_id = $1 and a.provider = 'stripe' order by v.version`,
    versionSchema,
    [hotel.merchantId],
  );
}

const stateOf = async (hotel: Hotel, version: number): Promise<string | undefined> =>
  (await versions(hotel)).find((each) => each.version === version)?.state;

/** As if the drain time were over, or the next look due. The loop turns each minute, and at the start of the service. */
async function endDrainTime(hotel: Hotel): Promise<void> {
  const url = new URL(platform.databaseUrls['merchant'] ?? '');
  url.username = 'postgres';
  const client = new Client({ connectionString: url.toString() });
  await client.connect();
  try {
    await client.query(
      `update provider_account_versions set drains_until = now() - interval '1 second'
        where merchant_id = $1 and state = 'draining'`,
      [hotel.merchantId],
    );
  } finally {
    await client.end();
  }
  await platform.child('merchant').stop();
  await platform.child('merchant').start();
}

async function postponements(hotel: Hotel): Promise<unknown[]> {
  const found = await rows(
    platform,
    'merchant',
    `select after from audit_events where merchant_id = $1 and action = 'provider_account.destruction_postponed'`,
    z.object({ after: z.record(z.string(), z.unknown()) }),
    [hotel.merchantId],
  );
  return found.map((row) => row.after);
}

async function wasPostponed(hotel: Hotel, version: number): Promise<void> {
  await waitFor(
    'the destruction to be postponed',
    async () => {
      const found = await postponements(hotel);
      return (
        found.some((said) => z.object({ version: z.int() }).parse(said).version === version) || undefined
      );
    },
    60_000,
  );
}

async function isDestroyed(hotel: Hotel, version: number): Promise<void> {
  await waitFor(
    `version ${version} to be destroyed`,
    async () => ((await stateOf(hotel, version)) === 'destroyed' ? true : undefined),
    90_000,
  );
}

const ACTIVE_AT_FIRST = 2;

test('an operation in doubt on one version ends on it though the next was saved meanwhile, and only then are its secrets destroyed', async () => {
  const hotel = await onboardHotel(platform, 'Riad Rotating');
  const account = await stripeAccount(hotel);
  // The webhook secret made a second version at the start; that one is active.
  assert.equal(await stateOf(hotel, ACTIVE_AT_FIRST), 'active');
  const token = await card(platform, hotel);
  await arm(platform.stripeUrl, {
    fault: 'drop_before_act',
    method: 'POST',
    path: '/v1/payment_intents',
    times: 0,
  });
  await arm(platform.stripeUrl, { fault: 'error_before', method: 'GET', times: 0 });
  const answer = await charge(platform, hotel, { cardToken: token });
  assert.equal(answer.status, 202, answer.text);
  const { id } = paymentSchema.parse(answer.json);

  // Another key of the same Stripe account, saved as the next version.
  const newKey = `sk_test_${randomBytes(24).toString('hex')}`;
  await request(`${platform.stripeUrl}/_control/faults`, { method: 'DELETE' });
  await arm(platform.stripeUrl, {
    fault: 'drop_before_act',
    method: 'POST',
    path: '/v1/payment_intents',
    times: 0,
  });
  await arm(platform.stripeUrl, {
    fault: 'error_before',
    method: 'GET',
    path: '/v1/payment_intents',
    times: 0,
  });
  const made = await request(`${platform.stripeUrl}/_control/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Riad Rotating', secret_key: newKey, raw_card_data: true }),
  });
  assert.ok(made.statusCode < 300, await made.body.text());
  const rotated = await call(platform, 'POST', `/v1/provider-accounts/${account}/rotate`, {
    apiKey: hotel.apiKey,
    body: JSON.stringify({ credentials: { secret_key: newKey } }),
  });
  assert.equal(rotated.status, 200, rotated.text);
  assert.equal(await stateOf(hotel, ACTIVE_AT_FIRST), 'draining');

  await endDrainTime(hotel);
  await wasPostponed(hotel, ACTIVE_AT_FIRST);
  assert.equal(await stateOf(hotel, ACTIVE_AT_FIRST), 'draining');

  await request(`${platform.stripeUrl}/_control/faults`, { method: 'DELETE' });
  const settled = await settledPayment(platform, hotel, id);
  assert.ok(['succeeded', 'failed'].includes(settled.status), settled.status);
  const [operation] = await rows(
    platform,
    'transaction',
    `select provider_account_version as version, state from operations where merchant_id = $1`,
    z.object({ version: z.int(), state: z.string() }),
    [hotel.merchantId],
  );
  assert.equal(operation?.version, ACTIVE_AT_FIRST);
  assert.ok(['succeeded', 'declined'].includes(operation.state), operation.state);
  assert.equal((await chargesOf(platform, id)).length, settled.status === 'succeeded' ? 1 : 0);

  await endDrainTime(hotel);
  await isDestroyed(hotel, ACTIVE_AT_FIRST);
  const [old, current] = (await versions(hotel)).slice(-2);
  assert.deepEqual([old?.is_erased, current?.state, current?.is_erased], [true, 'active', false]);
});

test('a hold on a deleted account can still be captured; its secrets wait for that, and are destroyed afterwards', async () => {
  const hotel = await onboardHotel(platform, 'Riad Holding');
  const account = await stripeAccount(hotel);
  const held = await call(platform, 'POST', '/v1/payments', {
    apiKey: hotel.apiKey,
    headers: { 'idempotency-key': randomUUID() },
    body: JSON.stringify({
      card_token: await card(platform, hotel),
      amount: 12_550,
      currency: 'EUR',
      booking_reference: 'BK-E2E',
      capture_method: 'manual',
    }),
  });
  assert.equal(held.status, 201, held.text);
  const { id } = z.object({ id: z.string() }).loose().parse(held.json);
  const deleted = await call(platform, 'DELETE', `/v1/provider-accounts/${account}`, {
    apiKey: hotel.apiKey,
  });
  assert.equal(deleted.status, 200);

  await endDrainTime(hotel);
  await wasPostponed(hotel, ACTIVE_AT_FIRST);
  assert.equal(await stateOf(hotel, ACTIVE_AT_FIRST), 'draining');
  // Looked at again and again, it is said once.
  await endDrainTime(hotel);
  await waitFor(
    'the next look to be put off too',
    async () => {
      const [row] = await rows(
        platform,
        'merchant',
        `select bool_and(drains_until > now()) as is_later from provider_account_versions
          where merchant_id = $1 and state = 'draining'`,
        z.object({ is_later: z.boolean().nullable() }),
        [hotel.merchantId],
      );
      return row?.is_later === true || undefined;
    },
    60_000,
  );
  const said = (await postponements(hotel)).filter(
    (each) => z.object({ version: z.int() }).loose().parse(each).version === ACTIVE_AT_FIRST,
  );
  assert.equal(said.length, 1);

  const captured = await call(platform, 'POST', `/v1/payments/${id}/capture`, {
    apiKey: hotel.apiKey,
    headers: { 'idempotency-key': `capture-${id}` },
    body: '{}',
  });
  assert.equal(captured.status, 200, captured.text);
  assert.equal(z.object({ status: z.string() }).loose().parse(captured.json).status, 'succeeded');

  await endDrainTime(hotel);
  await isDestroyed(hotel, ACTIVE_AT_FIRST);
  assert.ok((await versions(hotel)).every((version) => version.is_erased));
  const shown = await call(platform, 'GET', `/v1/provider-accounts/${account}`, { apiKey: hotel.apiKey });
  assert.equal(accountSchema.parse(shown.json).status, 'deleted');
});
