import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { errorOf, startRig, type Rig } from '../testing/rig.ts';

const visa = { number: '4242424242424242', exp_month: 12, exp_year: 2040, cvc: '737' };

const make = ({ stripe }: Rig, card: Partial<typeof visa>) =>
  stripe.paymentMethods.create({ type: 'card', card: { ...visa, ...card } });

test('a payment method shows brand, last digits and billing details, and is found again', async (t) => {
  const { stripe } = await startRig(t);
  const made = await stripe.paymentMethods.create({
    type: 'card',
    card: visa,
    billing_details: { name: 'Amina B', email: 'amina@example.test', address: { country: 'MA' } },
    metadata: { guest: 'g-1' },
  });
  assert.deepEqual(
    [made.card?.brand, made.card?.last4, made.card?.exp_month, made.card?.exp_year],
    ['visa', '4242', 12, 2040],
  );
  assert.deepEqual(
    [made.billing_details.name, made.billing_details.address?.country, made.billing_details.phone],
    ['Amina B', 'MA', null],
  );
  assert.deepEqual(await stripe.paymentMethods.retrieve(made.id), made);
  const alias = await stripe.paymentMethods.retrieve('pm_card_mastercard');
  assert.equal((await stripe.paymentMethods.retrieve(alias.id)).card?.brand, 'mastercard');
});

test('402: a card that cannot be one is refused with its own code', async (t) => {
  const rig = await startRig(t);
  const cases: [Partial<typeof visa>, string, string | undefined][] = [
    [{ number: '4242424242424241' }, 'incorrect_number', 'number'],
    [{ number: '42424242' }, 'invalid_number', 'number'],
    [{ exp_month: 13 }, 'invalid_expiry_month', 'exp_month'],
    [{ exp_month: 0 }, 'invalid_expiry_month', 'exp_month'],
    [{ exp_year: 2020 }, 'invalid_expiry_year', 'exp_year'],
    [{ cvc: '99' }, 'invalid_cvc', 'cvc'],
    [{ cvc: '1234' }, 'invalid_cvc', 'cvc'],
    [{ number: '4111111111111111' }, 'card_declined', undefined],
  ];
  for (const [card, code, param] of cases) {
    const error = await errorOf(make(rig, card));
    assert.deepEqual(
      [error.statusCode, error.rawType, error.code, error.param],
      [402, 'card_error', code, param],
      JSON.stringify(card),
    );
  }
  assert.equal(
    (await errorOf(make(rig, { number: '4111111111111111' }))).decline_code,
    'test_mode_live_card',
  );
});

test('an account without permission for raw card data cannot send a number, and can use the aliases', async (t) => {
  const { client, control } = await startRig(t);
  await control('POST', '/accounts', { secret_key: 'sk_test_norawdata1' });
  const stripe = client('sk_test_norawdata1');
  const refused = await errorOf(stripe.paymentMethods.create({ type: 'card', card: visa }));
  assert.deepEqual([refused.statusCode, refused.rawType], [402, 'invalid_request_error']);
  assert.match(
    refused.message,
    /^Sending credit card numbers directly to the Stripe API is generally unsafe/,
  );
  const paid = await stripe.paymentIntents.create({
    amount: 900,
    currency: 'eur',
    payment_method: 'pm_card_visa',
    allowed_payment_method_types: ['card'],
    confirm: true,
  });
  assert.equal(paid.status, 'succeeded');
});

test('live mode takes card numbers, knows no aliases, and keeps its objects apart', async (t) => {
  const { client, control, account } = await startRig(t);
  await control('POST', '/accounts', { id: account, secret_key: 'sk_live_riadriadriad1' });
  const stripe = client('sk_live_riadriadriad1');
  const made = await stripe.paymentMethods.create({
    type: 'card',
    card: { ...visa, number: '4111111111111111' },
  });
  assert.deepEqual([made.livemode, made.card?.brand], [true, 'visa']);
  assert.equal((await errorOf(stripe.paymentMethods.retrieve('pm_card_visa'))).code, 'resource_missing');
  const paid = await stripe.paymentIntents.create({
    amount: 900,
    currency: 'eur',
    payment_method: made.id,
    allowed_payment_method_types: ['card'],
    confirm: true,
  });
  assert.equal(paid.livemode, true);
  assert.equal((await errorOf(client().paymentIntents.retrieve(paid.id))).statusCode, 404);
});

test('no card number and no security code is ever written to disk', async (t) => {
  const rig = await startRig(t);
  const made = await make(rig, { cvc: '737' });
  await rig.stripe.paymentIntents.create({
    amount: 900,
    currency: 'eur',
    payment_method: made.id,
    allowed_payment_method_types: ['card'],
    confirm: true,
  });
  await errorOf(make(rig, { number: '4242424242424241' }));
  const journal = await readFile(join(rig.dataDir, 'journal.jsonl'), 'utf8');
  assert.ok(journal.includes(made.id));
  assert.ok(!journal.includes('424242424242'));
  assert.ok(!/"737"|cvc":"\d/.test(journal));
});
