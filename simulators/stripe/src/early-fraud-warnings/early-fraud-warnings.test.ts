import assert from 'node:assert/strict';
import { test } from 'node:test';

import { errorOf, startRig, until } from '../testing/rig.ts';

/** Warnings come when the test moves the clock, never by themselves. */
const DELAY_MS = 3_600_000;

test('an early fraud warning follows its card, can be read and listed, and moves no money', async (t) => {
  const rig = await startRig(t, { disputeDelayMs: DELAY_MS });
  const intent = await rig.stripe.paymentIntents.create({
    amount: 20_000,
    currency: 'eur',
    payment_method: 'pm_card_createIssuerFraudRecord',
    allowed_payment_method_types: ['card'],
    confirm: true,
  });
  const charge = intent.latest_charge;
  assert.ok(typeof charge === 'string');
  await rig.control('POST', '/clock', { advance_ms: DELAY_MS });
  const warning = await until(
    'the warning',
    async () => (await rig.stripe.radar.earlyFraudWarnings.list({ charge })).data[0],
  );
  assert.deepEqual(
    [warning.charge, warning.payment_intent, warning.actionable, warning.fraud_type],
    [charge, intent.id, true, 'made_with_lost_card'],
  );
  assert.equal((await rig.stripe.radar.earlyFraudWarnings.retrieve(warning.id)).id, warning.id);
  assert.equal((await rig.stripe.events.list({ type: 'radar.early_fraud_warning.created' })).data.length, 1);
  const { pending } = await rig.stripe.balance.retrieve();
  assert.equal(pending.find(({ currency }) => currency === 'eur')?.amount, 20_000);
  await rig.restart();
  await rig.control('POST', '/clock', { advance_ms: DELAY_MS });
  assert.equal((await rig.stripe.radar.earlyFraudWarnings.list()).data.length, 1);
  assert.equal((await rig.effects('early_fraud_warning.created')).length, 1);
});

test('404: a warning that the account does not have', async (t) => {
  const { stripe } = await startRig(t);
  const error = await errorOf(stripe.radar.earlyFraudWarnings.retrieve('issfr_none'));
  assert.deepEqual([error.statusCode, error.code], [404, 'resource_missing']);
});
