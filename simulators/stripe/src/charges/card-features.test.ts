import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Stripe } from 'stripe';

import { fieldOf, startRig, type Rig } from '../testing/rig.ts';

const hold = {
  amount: 10_000,
  currency: 'eur',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
  capture_method: 'manual' as const,
  confirm: true,
};

async function chargeOf({ stripe }: Rig, intent: Stripe.PaymentIntent) {
  return stripe.charges.retrieve(fieldOf(intent, 'latest_charge'));
}

test('features depend on the request, the account, the network and the card', async (t) => {
  const rig = await startRig(t);
  const asked = {
    card: {
      request_multicapture: 'if_available',
      request_incremental_authorization: 'if_available',
      request_overcapture: 'if_available',
      request_extended_authorization: 'if_available',
    },
  } as const;
  const statuses = async (payment_method: string, options: object, capture_method?: 'automatic') => {
    const intent = await rig.stripe.paymentIntents.create({
      ...hold,
      payment_method,
      payment_method_options: options,
      ...(capture_method ? { capture_method } : {}),
    });
    const card = (await chargeOf(rig, intent)).payment_method_details?.card;
    const all = [card?.multicapture, card?.incremental_authorization, card?.overcapture];
    return [...all.map((feature) => feature?.status === 'available'), card?.extended_authorization?.status];
  };
  assert.deepEqual(await statuses('pm_card_visa', asked), [true, true, true, 'enabled']);
  assert.deepEqual(await statuses('pm_card_mastercard', asked), [true, true, false, 'enabled']);
  assert.deepEqual(await statuses('pm_card_jcb', asked), [true, false, false, 'disabled']);
  assert.deepEqual(await statuses('pm_card_credit_disableEnterpriseCardFeatures', asked), [
    false,
    true,
    false,
    'disabled',
  ]);
  assert.deepEqual(await statuses('pm_card_visa', {}), [false, false, false, 'disabled']);
  assert.deepEqual(await statuses('pm_card_visa', asked, 'automatic'), [false, false, false, 'disabled']);
  const never = { card: { ...asked.card, request_multicapture: 'never' } };
  assert.deepEqual(await statuses('pm_card_visa', never), [false, true, true, 'enabled']);
  const changed = await rig.control('POST', '/accounts', {
    id: rig.account,
    secret_key: 'sk_test_secondkey1',
    card_features: { multicapture: false, overcapture: false },
  });
  assert.equal(changed.status, 201);
  assert.deepEqual(await statuses('pm_card_visa', asked), [false, true, false, 'enabled']);
  await rig.restart();
  assert.deepEqual(await statuses('pm_card_visa', asked), [false, true, false, 'enabled']);
});
