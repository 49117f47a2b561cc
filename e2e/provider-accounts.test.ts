import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createHotel } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { z } from 'zod';
import {
  call,
  card,
  charge,
  onboardHotel,
  problemSchema,
  startPlatformUnderTest,
} from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

let platform: PlatformUnderTest;
let hotel: Hotel;
before(async () => {
  platform = await startPlatformUnderTest();
  hotel = await onboardHotel(platform);
});
after(async () => await platform.end());

const checkSchema = z.object({ result: z.string(), message: z.string() }).loose();
const accountSchema = z.object({ id: z.string(), provider: z.string() }).loose();

test('a test connection really asks the provider, and each outcome has its own words', async () => {
  const check = async (credentials: object, provider = 'stripe') =>
    checkSchema.parse(
      (
        await call(platform, 'POST', '/v1/provider-accounts/test', {
          apiKey: hotel.apiKey,
          body: JSON.stringify({ provider, mode: 'test', credentials }),
        })
      ).json,
    );
  const valid = await check({ secret_key: hotel.stripeKey });
  const wrong = await check({ secret_key: `sk_test_${'0'.repeat(48)}` });
  const live = await check({ secret_key: `sk_live_${'0'.repeat(48)}` });
  const vault = await check({ api_key: hotel.vaulteraKey }, 'vaultera');
  const wrongVault = await check({ api_key: '0'.repeat(32) }, 'vaultera');
  await platform.child('stripe').stop();
  const away = await check({ secret_key: hotel.stripeKey });
  await platform.child('stripe').start();
  assert.deepEqual(
    [valid, wrong, live, vault, wrongVault, away].map(({ result }) => result),
    ['ok', 'rejected', 'wrong_mode', 'ok', 'rejected', 'unreachable'],
  );
  const words = [valid, wrong, live, away].map(({ message }) => message);
  assert.equal(new Set(words).size, 4);
  assert.match(live.message, /live key/);
});

test('a key that the provider refuses is not saved', async () => {
  const fresh = await createHotel(platform, { name: 'Riad Fresh', accounts: false });
  const answer = await call(platform, 'POST', '/v1/provider-accounts', {
    apiKey: fresh.apiKey,
    body: JSON.stringify({
      provider: 'stripe',
      mode: 'test',
      credentials: { secret_key: `sk_test_${'1'.repeat(48)}` },
    }),
  });
  assert.equal(answer.status, 422);
  assert.equal(problemSchema.parse(answer.json).code, 'provider_credentials_rejected');
  const list = await call(platform, 'GET', '/v1/provider-accounts', { apiKey: fresh.apiKey });
  assert.deepEqual(
    z
      .object({ data: z.array(z.unknown()) })
      .loose()
      .parse(list.json).data,
    [],
  );
});

test('no answer contains a secret; another hotel finds nothing', async () => {
  const list = await call(platform, 'GET', '/v1/provider-accounts', { apiKey: hotel.apiKey });
  const { data } = z
    .object({ data: z.array(accountSchema) })
    .loose()
    .parse(list.json);
  assert.deepEqual(data.map(({ provider }) => provider).toSorted(), ['stripe', 'vaultera']);
  assert.ok(!list.text.includes(hotel.stripeKey) && !list.text.includes(hotel.vaulteraKey));
  const other = await onboardHotel(platform, 'Riad Other');
  for (const { id } of data) {
    assert.equal(
      (await call(platform, 'GET', `/v1/provider-accounts/${id}`, { apiKey: other.apiKey })).status,
      404,
    );
    assert.equal(
      (await call(platform, 'POST', `/v1/provider-accounts/${id}/test`, { apiKey: other.apiKey, body: '{}' }))
        .status,
      404,
    );
    assert.equal(
      (await call(platform, 'DELETE', `/v1/provider-accounts/${id}`, { apiKey: other.apiKey })).status,
      404,
    );
  }
  const saved = await call(
    platform,
    'POST',
    `/v1/provider-accounts/${data.find((one) => one.provider === 'stripe')?.id}/test`,
    { apiKey: hotel.apiKey, body: '{}' },
  );
  assert.equal(checkSchema.parse(saved.json).result, 'ok');
});

test('a hotel without an account is told so before anything is written; after deleting its account, too', async () => {
  const bare = await createHotel(platform, { name: 'Riad Bare', accounts: false });
  const none = await charge(platform, bare, { cardToken: 'sim_card_visa' });
  assert.equal(none.status, 422);
  assert.equal(problemSchema.parse(none.json).code, 'provider_account_missing');
  const leaving = await onboardHotel(platform, 'Riad Leaving');
  const token = await card(platform, leaving);
  assert.equal((await charge(platform, leaving, { cardToken: token })).status, 201);
  const { data } = z
    .object({ data: z.array(accountSchema) })
    .loose()
    .parse((await call(platform, 'GET', '/v1/provider-accounts', { apiKey: leaving.apiKey })).json);
  const stripe = data.find(({ provider }) => provider === 'stripe');
  assert.equal(
    (await call(platform, 'DELETE', `/v1/provider-accounts/${stripe?.id}`, { apiKey: leaving.apiKey }))
      .status,
    200,
  );
  const deadline = Date.now() + 10_000;
  for (;;) {
    const answer = await charge(platform, leaving, { cardToken: await card(platform, leaving) });
    if (answer.status === 422) break;
    assert.ok(Date.now() < deadline, 'a deleted account still charges after 10 s');
  }
});

test('the built-in simulator charges its documented cards through the public door', async () => {
  const training = await createHotel(platform, { name: 'Riad Training', accounts: false });
  const connected = await call(platform, 'POST', '/v1/provider-accounts', {
    apiKey: training.apiKey,
    body: JSON.stringify({ provider: 'simulator', mode: 'test', credentials: {} }),
  });
  assert.equal(connected.status, 201, connected.text);
  assert.equal((await charge(platform, training, { cardToken: 'sim_card_visa' })).status, 201);
  const declined = await charge(platform, training, { cardToken: 'sim_card_expired' });
  assert.equal(declined.status, 402);
  const unreachable = await charge(platform, training, { cardToken: 'sim_card_visa', amount: 66_630 });
  assert.equal(unreachable.status, 503);
  assert.ok(Number(unreachable.headers['retry-after']) >= 1);
  const lost = await charge(platform, training, { cardToken: 'sim_card_visa', amount: 66_610 });
  assert.equal(lost.status, 202);
});
