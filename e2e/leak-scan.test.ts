import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { call, charge, onboardHotel, startPlatformUnderTest } from './platform-under-test.ts';
import { post } from '@centra/dev/seed.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { createLeakScanner, filesBelow } from '@centra/testkit/leak-scan.ts';
import type { Canary } from '@centra/testkit/leak-scan.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';
import { z } from 'zod';

// I24. Cards used nowhere else, so that a hit can only come from this run; published test numbers all the same.
const CANARY_PAN = '4000056655665556';
const CANARY_CVV = '8317';
const CANARY_AMEX = '378282246310005';

test('no card number, security code or secret is in any database, log or journal after a run', async () => {
  const platform = await startPlatformUnderTest();
  const hotel = await onboardHotel(platform, 'Riad Canary');
  const secrets: Record<string, string> = {
    'Stripe key': hotel.stripeKey,
    'Vaultera key': hotel.vaulteraKey,
    'API key': hotel.apiKey,
    'webhook secret': await newWebhookSecret(platform, hotel),
  };
  const capture = async (number: string, type: string, code: string): Promise<string> => {
    const answer = await post(`${platform.vaulteraUrl}/api/v1/cards?api_key=${hotel.vaulteraKey}`, {
      card: {
        card_number: number,
        card_type: type,
        cardholder_name: 'Canary',
        service_code: code,
        expiration_month: '12',
        expiration_year: '2049',
      },
    });
    return z.object({ data: z.object({ attributes: z.object({ card_token: z.string() }) }) }).parse(answer)
      .data.attributes.card_token;
  };
  const visa = await charge(platform, hotel, {
    cardToken: await capture(CANARY_PAN, 'visa', CANARY_CVV.slice(0, 3)),
  });
  const amex = await charge(platform, hotel, { cardToken: await capture(CANARY_AMEX, 'amex', CANARY_CVV) });
  assert.equal(visa.status, 201, visa.text);
  assert.equal(amex.status, 201, amex.text);
  // Refusals and failures are where things leak: a card number where none belongs, a wrong key, a faulty path.
  await charge(platform, hotel, {
    cardToken: 'unknown-token-0000',
    extra: { description: `my card is ${CANARY_PAN}` },
  });
  await call(platform, 'GET', `/v1/payments/${CANARY_PAN}?card=${CANARY_PAN}`, { apiKey: hotel.apiKey });
  await call(platform, 'GET', '/v1/payments', { apiKey: `${hotel.apiKey}wrong` });
  // Whoever puts the secret where the signature belongs is refused, and it is not kept.
  const misplaced = await call(
    platform,
    'POST',
    `/v1/webhooks/stripe/${await stripeAccountOf(platform, hotel)}`,
    {
      headers: { 'stripe-signature': `t=1,v1=${secrets['webhook secret']}` },
      body: '{}',
    },
  );
  assert.equal(misplaced.status, 400, misplaced.text);
  await platform.child('stripe').stop();
  await charge(platform, hotel, { cardToken: await capture(CANARY_PAN, 'visa', '831') });
  await platform.child('stripe').start();
  await platform.stop();

  const canaries: Canary[] = [
    { name: 'card number', kind: 'card', value: CANARY_PAN },
    { name: 'Amex number', kind: 'card', value: CANARY_AMEX },
    ...Object.entries(secrets).map(([name, value]): Canary => ({ name, kind: 'secret', value })),
    // A four-digit code alone is in every file by chance; next to its field name or card it is not.
    ...['service_code', 'cvc', 'cvv', 'card[cvc]'].flatMap((field): Canary[] => [
      { name: `security code as ${field}`, kind: 'text', value: `${field}":"${CANARY_CVV}` },
      { name: `security code in form ${field}`, kind: 'text', value: `${field}=${CANARY_CVV}` },
    ]),
  ];
  const files = filesBelow(platform.dataDir).filter((file) => !file.endsWith('/keys/keyring.json'));
  assert.ok(
    files.some((file) => file.includes('/postgres/base/')),
    'the raw database files are scanned',
  );
  assert.ok(
    files.some((file) => file.includes('/pg_wal/')),
    'the write-ahead log is scanned',
  );
  assert.ok(
    files.some((file) => file.endsWith('api-gateway.log')),
    'the logs are scanned',
  );
  assert.ok(
    files.some((file) => file.endsWith('journal.jsonl')),
    'the journals are scanned',
  );
  const scanner = createLeakScanner(canaries);
  const hits = files.flatMap((file) => scanner.scanFile(file));
  assert.deepEqual(hits, []);
  // The scan itself can see: what must be there is.
  assert.ok(
    files.some((file) => readFileSync(file).toString('latin1').includes('BK-E2E')),
    'the booking reference is found',
  );
  await platform.end();
});

async function stripeAccountOf(platform: PlatformUnderTest, hotel: Hotel): Promise<string> {
  const { json } = await call(platform, 'GET', '/v1/provider-accounts', { apiKey: hotel.apiKey });
  const accounts = z
    .object({ data: z.array(z.object({ id: z.string(), provider: z.string() }).loose()) })
    .loose()
    .parse(json).data;
  return accounts.find(({ provider }) => provider === 'stripe')?.id ?? '';
}

/** One that Stripe's journal does not hold, as its own does: whatever is found of it, we have leaked. */
async function newWebhookSecret(platform: PlatformUnderTest, hotel: Hotel): Promise<string> {
  const secret = `whsec_${randomBytes(16).toString('hex')}`;
  const rotated = await call(
    platform,
    'POST',
    `/v1/provider-accounts/${await stripeAccountOf(platform, hotel)}/rotate`,
    {
      apiKey: hotel.apiKey,
      body: JSON.stringify({ credentials: { secret_key: hotel.stripeKey, webhook_secret: secret } }),
    },
  );
  assert.equal(rotated.status, 200, rotated.text);
  return secret;
}
