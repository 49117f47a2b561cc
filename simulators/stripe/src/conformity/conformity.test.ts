import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startRig, until, type Rig } from '../testing/rig.ts';
import { checkParameters } from './check-parameters.ts';
import { checkShape } from './check-shape.ts';
import { FIXTURE_DIFFERENCES, RESOURCE_SHAPES } from './resource-shapes.ts';
import { REQUEST_PARAMETERS } from './request-parameters.ts';

const FORM = 'amount=20000&currency=eur&allowed_payment_method_types[]=card&confirm=true';
const VERSION = { 'stripe-version': '2026-10-28.endive' };

async function post(rig: Rig, path: string, form = ''): Promise<Record<string, unknown>> {
  const { body, status, text } = await rig.call('POST', path, form, VERSION);
  assert.ok(status === 200 || status === 402, text);
  return status === 402 ? JSON.parse(JSON.stringify(body.error?.['payment_intent'])) : body;
}

/** Every object in an answer, lists taken apart, and compared with its shape. */
function conform(json: unknown): string[] {
  const object: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, 'object') : undefined;
  assert.ok(typeof object === 'string', `not an object of Stripe's: ${JSON.stringify(json)}`);
  if (object !== 'list') return checkShape(object, json);
  const data: unknown = Reflect.get(Object(json), 'data');
  assert.ok(Array.isArray(data));
  return data.flatMap(conform);
}

async function get(rig: Rig, path: string): Promise<unknown> {
  const { body, status, text } = await rig.call('GET', path, undefined, VERSION);
  assert.equal(status, 200, text);
  return body;
}

/** Payments in every state a card can bring them to, and what follows from them. */
async function makeEverything(rig: Rig): Promise<void> {
  const pay = (more: string) => post(rig, '/v1/payment_intents', `${FORM}&${more}`);
  const paid = await pay('payment_method=pm_card_visa&metadata[a]=b&description=Room&receipt_email=a@b.test');
  await post(rig, '/v1/refunds', `payment_intent=${String(paid['id'])}&amount=500&reason=duplicate`);
  await pay('payment_method=pm_card_amex&setup_future_usage=off_session');
  await pay('payment_method=pm_card_chargeDeclined');
  await pay('payment_method=pm_card_radarBlock');
  await pay('payment_method=pm_card_authenticationRequired&return_url=https://hotel.test/back');
  await pay('payment_method=pm_card_authenticationRequired');
  const held = await pay(
    'payment_method=pm_card_visa&capture_method=manual&payment_method_options[card][request_incremental_authorization]=if_available' +
      '&payment_method_options[card][request_overcapture]=if_available&payment_method_options[card][request_extended_authorization]=if_available',
  );
  await post(rig, `/v1/payment_intents/${String(held['id'])}/increment_authorization`, 'amount=25000');
  await post(rig, `/v1/payment_intents/${String(held['id'])}/capture`, 'amount_to_capture=9000');
  const released = await pay('payment_method=pm_card_visa&capture_method=manual');
  await post(rig, `/v1/payment_intents/${String(released['id'])}/cancel`, 'cancellation_reason=abandoned');
  for (const card of ['pm_card_pendingRefund', 'pm_card_refundFail']) {
    const intent = await pay(`payment_method=${card}`);
    await post(rig, '/v1/refunds', `payment_intent=${String(intent['id'])}`);
  }
  for (const card of [
    'pm_card_createDispute',
    'pm_card_createDisputeInquiry',
    'pm_card_createIssuerFraudRecord',
  ])
    await pay(`payment_method=${card}`);
  await rig.arm({ fault: 'settle_late', for_ms: 3_600_000 });
  await pay('payment_method=pm_card_visa');
  await post(rig, '/v1/payment_intents', 'amount=500&currency=usd');
}

async function makeSessions(rig: Rig): Promise<string[]> {
  const line =
    'line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=900&line_items[0][quantity]=2';
  const form = `mode=payment&success_url=https://hotel.test&${line}&line_items[0][price_data][product_data][name]=Night`;
  const ids: string[] = [];
  for (let at = 0; at < 3; at += 1) ids.push(String((await post(rig, '/v1/checkout/sessions', form))['id']));
  await rig.control('POST', `/checkout/sessions/${ids[0]}/pay`, {});
  await post(rig, `/v1/checkout/sessions/${ids[1]}/expire`);
  return ids;
}

test('every object has all of Stripe’s fields, no others, with their types and values', async (t) => {
  const rig = await startRig(t, { disputeDelayMs: 0, refundSettleMs: 0 });
  await makeEverything(rig);
  const sessions = await makeSessions(rig);
  await until('the disputes', async () =>
    (await rig.stripe.disputes.list()).data.length === 2 ? true : undefined,
  );
  for (const { id } of (await rig.stripe.disputes.list()).data)
    await post(rig, `/v1/disputes/${id}`, 'evidence[uncategorized_text]=winning_evidence');
  await until('the decisions', async () =>
    (await rig.effects('dispute.closed')).length === 2 ? true : undefined,
  );
  await until('the warning', async () =>
    (await rig.effects('early_fraud_warning.created')).length === 1 ? true : undefined,
  );
  await post(rig, '/v1/webhook_endpoints', 'url=http://127.0.0.1:9/hooks&enabled_events[]=payout.paid');
  const payments = await get(
    rig,
    '/v1/payment_intents?limit=100&expand[]=data.latest_charge&expand[]=data.payment_method',
  );
  const answers = [
    payments,
    await get(rig, '/v1/payment_intents?limit=100'),
    await get(rig, '/v1/refunds?limit=100'),
    await get(rig, '/v1/disputes?limit=100&expand[]=data.charge'),
    await get(rig, '/v1/radar/early_fraud_warnings'),
    await get(rig, '/v1/checkout/sessions?expand[]=data.payment_intent&expand[]=data.line_items'),
    await get(rig, `/v1/checkout/sessions/${sessions[0]}/line_items`),
    await get(rig, '/v1/webhook_endpoints'),
    await get(rig, '/v1/account'),
    await get(rig, '/v1/balance'),
    await post(
      rig,
      '/v1/payment_methods',
      'type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=49&card[cvc]=123',
    ),
  ];
  for (let after = ''; ;) {
    const page = await get(rig, `/v1/events?limit=100${after}`);
    const data: unknown = Reflect.get(Object(page), 'data');
    assert.ok(Array.isArray(data));
    answers.push(page, ...data.map((event: { data: { object: unknown } }) => event.data.object));
    if (Reflect.get(Object(page), 'has_more') !== true) break;
    after = `&starting_after=${String(Reflect.get(Object(data.at(-1)), 'id'))}`;
  }
  assert.deepEqual([...new Set(answers.flatMap(conform))], []);
  const seen = new Set(JSON.stringify(answers).match(/(?<="object":")[a-z._]+/g));
  // The names with a dot below an object are parts of it; addresses have no name of their own.
  const whole = Object.keys(RESOURCE_SHAPES).filter(
    (name) =>
      /enum\([a-z._]+\)/.test(RESOURCE_SHAPES[name] ?? '') &&
      /^\s*(id string; )?object enum/.test(RESOURCE_SHAPES[name] ?? ''),
  );
  assert.ok(whole.length >= 13, whole.join());
  assert.deepEqual(
    whole.filter((name) => !seen.has(name)),
    [],
  );
  const statuses = new Set(
    JSON.stringify(payments).match(/(?<="status":")(canceled|processing|requires_[a-z_]+|succeeded)/g),
  );
  assert.ok(statuses.size >= 5, [...statuses].join());
});

test('the checker finds what is missing, unknown, of another type or outside its values', () => {
  const warning = {
    id: 'issfr_1',
    object: 'radar.early_fraud_warning',
    actionable: true,
    charge: 'ch_1',
    created: 1,
    fraud_type: 'misc',
    livemode: false,
  };
  assert.deepEqual(checkShape('radar.early_fraud_warning', warning), []);
  const { created: _, ...incomplete } = warning;
  const cases: [unknown, string][] = [
    [incomplete, 'radar.early_fraud_warning.created: is missing'],
    [{ ...warning, mood: 1 }, 'radar.early_fraud_warning.mood: is unknown'],
    [{ ...warning, created: 1.5 }, 'radar.early_fraud_warning.created: is 1.5, should be integer'],
    [
      { ...warning, object: 'charge' },
      'radar.early_fraud_warning.object: is "charge", should be enum(radar.early_fraud_warning)',
    ],
    [{ ...warning, charge: null }, 'radar.early_fraud_warning.charge: is null, should be string|@charge'],
    [null, 'radar.early_fraud_warning: is null, should be an object'],
  ];
  for (const [json, problem] of cases)
    assert.deepEqual(checkShape('radar.early_fraud_warning', json), [problem]);
  const deep = checkShape('balance', {
    object: 'balance',
    available: [{ amount: '1', currency: 'eur' }],
    livemode: false,
    pending: 7,
  });
  assert.deepEqual(deep, [
    'balance.available[0].amount: is "1", should be integer',
    'balance.pending: is 7, should be [@]',
  ]);
  assert.throws(() => checkShape('mood', {}));
});

function check(params: unknown, path = '/v1/payment_intents'): string[] {
  return checkParameters('POST', path, params);
}

test('parameters are compared with the types of the SDK, as values or as texts of a form', () => {
  assert.deepEqual(check({ amount: 500, currency: 'eur', confirm: true, metadata: { a: 1 } }), []);
  assert.deepEqual(check({ amount: '500', currency: 'eur', confirm: 'true', off_session: 'recurring' }), []);
  assert.deepEqual(check({ amount: 500, currency: 'eur', description: undefined }), []);
  assert.deepEqual(check({ currency: 'eur', payment_method_types: ['card'] }), [
    'params.payment_method_types: is unknown',
    'params.amount: is missing',
  ]);
  assert.deepEqual(check({ amount_to_capture: '1x' }, '/v1/payment_intents/pi_1/capture'), [
    'params.amount_to_capture: is "1x", should be integer',
  ]);
  const lines = {
    line_items: [{ quantity: 1, price_data: { currency: 'eur', product_data: { nam: 'x' } } }],
  };
  assert.deepEqual(check(lines, '/v1/checkout/sessions'), [
    'params.line_items[0].price_data.product_data.nam: is unknown',
    'params.line_items[0].price_data.product_data.name: is missing',
  ]);
  assert.deepEqual(check({ evidence: { customer_name: 'A' }, metadata: '' }, '/v1/disputes/du_1'), []);
  assert.throws(() => checkParameters('POST', '/v1/moods', {}));
});

test('400: every one of these calls refuses a parameter the SDK does not know', async (t) => {
  const rig = await startRig(t);
  const calls = Object.keys(REQUEST_PARAMETERS).filter((name) => /^POST \/[^.]*$/.test(name));
  assert.equal(calls.length, 9);
  for (const name of calls) {
    const path = name.slice('POST '.length).replace(':id', 'any_1');
    assert.deepEqual(
      checkParameters('POST', path, { mood: 'good' }).filter((problem) => problem.includes('mood')),
      ['params.mood: is unknown'],
    );
    const { body, status } = await rig.call('POST', path, 'mood=good', VERSION);
    assert.deepEqual(
      [status, body.error?.['code'], body.error?.['param']],
      [400, 'parameter_unknown', 'mood'],
      name,
    );
  }
});

test('every difference noted between the fixtures and the types is about an object of the table', () => {
  for (const name of Object.keys(FIXTURE_DIFFERENCES)) assert.ok(RESOURCE_SHAPES[name], name);
});
