import assert from 'node:assert/strict';
import { test } from 'node:test';

import { request } from 'undici';

import { fieldOf, startRig, until, type Rig } from '../testing/rig.ts';

const RETURN_URL = 'https://shop.test/back?order=o-1';
const card = {
  amount: 4_200,
  currency: 'eur',
  payment_method: 'pm_card_authenticationRequired',
  allowed_payment_method_types: ['card'],
  confirm: true,
  return_url: RETURN_URL,
};

async function start(
  rig: Rig,
  params: Partial<typeof card> & { capture_method?: 'manual'; setup_future_usage?: 'off_session' } = {},
  idempotencyKey = 'key-1',
) {
  const intent = await rig.stripe.paymentIntents.create({ ...card, ...params }, { idempotencyKey });
  assert.equal(intent.status, 'requires_action');
  const page = intent.next_action?.redirect_to_url?.url;
  assert.ok(page);
  return { intent, page };
}

/** Presses a button of the page, the way a browser posts a plain form. */
async function press(page: string, button: 'approve' | 'fail') {
  const answer = await request(`${page}/${button}`, { method: 'POST' });
  await answer.body.dump();
  return { status: answer.statusCode, location: String(answer.headers['location'] ?? '') };
}

test('an approved challenge charges once and sends the cardholder back with the result', async (t) => {
  const rig = await startRig(t);
  const { intent, page } = await start(rig);
  assert.deepEqual(
    [intent.latest_charge, intent.next_action?.type, intent.next_action?.redirect_to_url?.return_url],
    [null, 'redirect_to_url', RETURN_URL],
  );
  assert.deepEqual(await rig.effects('charge.succeeded'), []);
  const html = await (await request(page)).body.text();
  assert.match(html, /<form method="post"[^>]*\/approve">.*Approve<\/button>.*\/fail">.*Fail<\/button>/);
  const { status, location } = await press(page, 'approve');
  const back = new URL(location);
  assert.equal(status, 303);
  assert.equal(`${back.origin}${back.pathname}`, 'https://shop.test/back');
  assert.deepEqual(Object.fromEntries(back.searchParams), {
    order: 'o-1',
    payment_intent: intent.id,
    payment_intent_client_secret: intent.client_secret,
    redirect_status: 'succeeded',
  });
  const paid = await rig.stripe.paymentIntents.retrieve(intent.id, { expand: ['latest_charge'] });
  assert.deepEqual([paid.status, paid.amount_received, paid.next_action], ['succeeded', 4_200, null]);
  const charge = paid.latest_charge;
  assert.ok(charge && typeof charge === 'object');
  assert.equal(charge.payment_method_details?.card?.three_d_secure?.result, 'authenticated');
  const [money, ...others] = await rig.effects('charge.succeeded');
  assert.deepEqual([money?.['idempotency_key'], others], ['key-1', []]);
});

test('pressing twice, or pressing the other button later, changes nothing', async (t) => {
  const rig = await startRig(t);
  const { page } = await start(rig);
  const answers = await Promise.all([press(page, 'approve'), press(page, 'approve'), press(page, 'approve')]);
  answers.push(await press(page, 'fail'));
  for (const { status, location } of answers)
    assert.deepEqual([status, new URL(location).searchParams.get('redirect_status')], [303, 'succeeded']);
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
  const shown = await request(page);
  await shown.body.dump();
  assert.equal(shown.statusCode, 303);
});

test('a failed challenge gives the payment back for another try', async (t) => {
  const rig = await startRig(t);
  const { intent, page } = await start(rig);
  assert.equal(new URL((await press(page, 'fail')).location).searchParams.get('redirect_status'), 'failed');
  const failed = await rig.stripe.paymentIntents.retrieve(intent.id);
  assert.deepEqual(
    [failed.status, failed.last_payment_error?.code, failed.payment_method, failed.latest_charge],
    ['requires_payment_method', 'payment_intent_authentication_failure', null, null],
  );
  assert.deepEqual(await rig.effects('charge.succeeded'), []);
  const paid = await rig.stripe.paymentIntents.confirm(intent.id, {
    payment_method: 'pm_card_visa',
    return_url: RETURN_URL,
  });
  assert.equal(paid.status, 'succeeded');
});

test('a card may still decline after the cardholder has approved', async (t) => {
  const rig = await startRig(t);
  const cards = [
    ['pm_card_authenticationRequiredChargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ['pm_card_threeDSecureRequiredChargeDeclined', 'generic_decline'],
  ] as const;
  for (const [payment_method, decline_code] of cards) {
    const { intent, page } = await start(rig, { payment_method }, payment_method);
    assert.equal(
      new URL((await press(page, 'approve')).location).searchParams.get('redirect_status'),
      'failed',
    );
    const declined = await rig.stripe.paymentIntents.retrieve(intent.id);
    assert.deepEqual(
      [declined.status, declined.last_payment_error?.decline_code],
      ['requires_payment_method', decline_code],
    );
    assert.equal(declined.latest_charge, declined.last_payment_error?.charge);
  }
  assert.equal((await rig.effects('charge.failed')).length, 2);
  assert.deepEqual(await rig.effects('charge.succeeded'), []);
});

test('with manual capture an approved challenge holds the amount', async (t) => {
  const rig = await startRig(t);
  const { intent, page } = await start(rig, { capture_method: 'manual' });
  assert.equal(
    new URL((await press(page, 'approve')).location).searchParams.get('redirect_status'),
    'succeeded',
  );
  const held = await rig.stripe.paymentIntents.retrieve(intent.id);
  assert.deepEqual([held.status, held.amount_capturable], ['requires_capture', 4_200]);
  assert.equal((await rig.effects('authorization.succeeded')).length, 1);
});

test('without a return_url the action is for Stripe.js, and the page still decides', async (t) => {
  const { stripe } = await startRig(t);
  const { return_url: _, ...params } = card;
  const intent = await stripe.paymentIntents.create(params);
  const action = intent.next_action;
  assert.deepEqual(
    [action?.type, action?.use_stripe_sdk?.['type']],
    ['use_stripe_sdk', 'three_d_secure_redirect'],
  );
  const answer = await press(String(action?.use_stripe_sdk?.['stripe_js']), 'approve');
  assert.equal(answer.status, 200);
  assert.equal((await stripe.paymentIntents.retrieve(intent.id)).status, 'succeeded');
});

test('a challenge is void once the payment was canceled, changed or confirmed anew', async (t) => {
  const rig = await startRig(t);
  const canceled = await start(rig, {}, 'a');
  await rig.stripe.paymentIntents.cancel(canceled.intent.id);
  const repriced = await start(rig, {}, 'b');
  assert.equal(
    (await rig.stripe.paymentIntents.update(repriced.intent.id, { amount: 9_900 })).status,
    'requires_confirmation',
  );
  const renewed = await start(rig, {}, 'c');
  const anew = await rig.stripe.paymentIntents.confirm(renewed.intent.id, { return_url: RETURN_URL });
  assert.notEqual(anew.next_action?.redirect_to_url?.url, renewed.page);
  for (const { page } of [canceled, repriced, renewed]) await press(page, 'approve');
  assert.deepEqual(await rig.effects('charge.succeeded'), []);
  assert.equal((await press(anew.next_action?.redirect_to_url?.url ?? '', 'approve')).status, 303);
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
});

test("an open challenge survives a restart, and a wrong address is nobody's", async (t) => {
  const rig = await startRig(t);
  const { intent, page } = await start(rig);
  await rig.restart();
  const path = new URL(page).pathname;
  assert.equal((await press(`${rig.simulator.url}${path}`, 'approve')).status, 303);
  assert.equal((await rig.stripe.paymentIntents.retrieve(intent.id)).status, 'succeeded');
  assert.equal((await press(`${rig.simulator.url}/3d_secure/payatt_guess`, 'approve')).status, 404);
});

test('a cardholder who goes away without an answer leaves the challenge open', async (t) => {
  const rig = await startRig(t);
  const { intent, page } = await start(rig);
  const left = await request(`${page}/cancel`);
  assert.match(await left.body.text(), /id="abandoned"/);
  await rig.control('POST', '/clock', { advance_ms: 3_600_000 });
  assert.equal((await rig.stripe.paymentIntents.retrieve(intent.id)).status, 'requires_action');
  assert.equal((await press(page, 'approve')).status, 303);
  const late = await request(`${page}/cancel`);
  await late.body.dump();
  assert.equal(late.statusCode, 303);
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
});

test('a lost reply to the cardholder leaves the payment done', async (t) => {
  const rig = await startRig(t);
  const { intent, page } = await start(rig);
  await rig.arm({ fault: 'act_then_drop', path: '/3d_secure', method: 'POST' });
  await assert.rejects(press(page, 'approve'));
  await until('the payment', async () =>
    (await rig.stripe.paymentIntents.retrieve(intent.id)).status === 'succeeded' ? true : undefined,
  );
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
});

test('a card that was set up with authentication pays later while the cardholder is away', async (t) => {
  const rig = await startRig(t);
  const payment_method = 'pm_card_authenticationRequiredOnSetup';
  const { intent, page } = await start(rig, { payment_method, setup_future_usage: 'off_session' });
  await press(page, 'approve');
  const paid = await rig.stripe.paymentIntents.retrieve(intent.id);
  const { return_url: _, ...params } = card;
  const later = await rig.stripe.paymentIntents.create({
    ...params,
    payment_method: fieldOf(paid, 'payment_method'),
    off_session: true,
  });
  assert.equal(later.status, 'succeeded');
  assert.equal((await rig.effects('charge.succeeded')).length, 2);
});
