import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import type { Stripe } from 'stripe';
import { request } from 'undici';

import { startRig, until, type Rig } from '../testing/rig.ts';

const params = {
  mode: 'payment',
  line_items: [
    {
      price_data: { currency: 'eur', unit_amount: 12_450, product_data: { name: 'Suite <b>"Atlas"</b>' } },
      quantity: 2,
    },
  ],
  success_url: 'https://hotel.test/thanks/{CHECKOUT_SESSION_ID}?s={CHECKOUT_SESSION_ID}',
  cancel_url: 'https://hotel.test/back?a=1&b=2',
} satisfies Stripe.Checkout.SessionCreateParams;

type Shown = { status: number; location: string; text: string; csp: string };

async function open(url: string): Promise<Shown> {
  return shown(await request(url));
}

async function submit(url: string, card: string, more: Record<string, string> = {}): Promise<Shown> {
  const body = new URLSearchParams({ card_number: card, expiry: '12 / 49', cvc: '123', ...more }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return shown(await request(url, { method: 'POST', body, headers }));
}

async function shown(answer: Awaited<ReturnType<typeof request>>): Promise<Shown> {
  const { headers, statusCode } = answer;
  const text = await answer.body.text();
  return {
    status: statusCode,
    location: String(headers['location'] ?? ''),
    text,
    csp: String(headers['content-security-policy'] ?? ''),
  };
}

function problemOf({ text }: Shown): string | undefined {
  return /role="alert" id="problem">([^<]*)</.exec(text)?.[1];
}

async function start(rig: Rig, more: Partial<Stripe.Checkout.SessionCreateParams> = {}) {
  const session = await rig.stripe.checkout.sessions.create({ ...params, ...more });
  assert.ok(session.url);
  return { id: session.id, url: session.url };
}

test('the page shows the hotel, the lines and the amount, and nothing a hotel wrote becomes markup', async (t) => {
  const rig = await startRig(t);
  const { url } = await start(rig);
  const { status, text, csp } = await open(url);
  assert.equal(status, 200);
  assert.match(text, /<h1>Riad<\/h1>/);
  assert.match(text, /id="total">€249\.00</);
  assert.match(text, /Suite &#60;b&#62;&#34;Atlas&#34;&#60;\/b&#62;/);
  assert.match(text, /href="https:\/\/hotel\.test\/back\?a=1&#38;b=2">Back</);
  assert.match(csp, /default-src 'none'/);
  assert.doesNotMatch(text, /<script/);
  for (const name of ['card_number', 'expiry', 'cvc', 'email'])
    assert.match(text, new RegExp(`name="${name}"`));
});

test('a paid form sends the guest to the success address with the id of the session', async (t) => {
  const rig = await startRig(t);
  const { id, url } = await start(rig);
  const answer = await submit(url, '4242 4242 4242 4242', { email: 'guest@example.com' });
  const thanks = `https://hotel.test/thanks/${id}?s=${id}`;
  assert.deepEqual([answer.status, answer.location], [303, thanks]);
  const session = await rig.stripe.checkout.sessions.retrieve(id);
  assert.deepEqual(
    [session.status, session.payment_status, session.customer_details?.email],
    ['complete', 'paid', 'guest@example.com'],
  );
  assert.deepEqual((await open(url)).location, thanks);
});

test('submitting again and again charges once', async (t) => {
  const rig = await startRig(t);
  const { id, url } = await start(rig);
  const answers = await Promise.all([1, 2, 3, 4].map(() => submit(url, '4242424242424242')));
  for (const { location } of answers) assert.equal(location, `https://hotel.test/thanks/${id}?s=${id}`);
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
});

test('a decline and a wrong card are told on the page, and another try pays', async (t) => {
  const rig = await startRig(t);
  const { id, url } = await start(rig);
  const tries: [string, Record<string, string>, RegExp][] = [
    ['4000000000009995', {}, /insufficient funds/],
    ['4242424242424241', {}, /number is incorrect/],
    ['4242424242424242', { expiry: '01/20' }, /expiration year is invalid/],
    ['4242424242424242', { expiry: 'soon' }, /expiration date is incomplete/],
    ['4242424242424242', { cvc: '12' }, /security code is invalid/],
    ['4242424242424242', { cvc: '' }, /security code is incomplete/],
    ['', {}, /number is incomplete/],
  ];
  for (const [card, more, words] of tries) {
    const answer = await submit(url, card, more);
    assert.equal(answer.status, 402);
    assert.match(problemOf(answer) ?? '', words);
  }
  assert.equal((await rig.stripe.checkout.sessions.retrieve(id)).status, 'open');
  assert.equal((await submit(url, '5555555555554444')).status, 303);
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
  assert.equal((await rig.effects('charge.failed')).length, 1);
});

test('3-D Secure goes to the bank and comes back: refused to the form, approved to the shop', async (t) => {
  const rig = await startRig(t);
  const { id, url } = await start(rig);
  for (const [button, location] of [
    ['fail', `${url}/return`],
    ['approve', `${url}/return`],
  ] as const) {
    const challenge = await submit(url, '4000002760003184');
    assert.match(challenge.location, /\/3d_secure\/payatt_/);
    const answered = await shown(await request(`${challenge.location}/${button}`, { method: 'POST' }));
    assert.equal(answered.location.split('?')[0], location);
    const back = await open(answered.location);
    if (button === 'approve') assert.equal(back.location, `https://hotel.test/thanks/${id}?s=${id}`);
    else assert.match(problemOf(back) ?? '', /did not confirm/);
  }
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
  assert.equal((await rig.effects('checkout.session.completed')).length, 1);
});

test('a guest who leaves the bank without an answer can still pay with another card', async (t) => {
  const rig = await startRig(t);
  const { id, url } = await start(rig);
  const challenge = await submit(url, '4000002760003184');
  const left = await open(`${challenge.location}/cancel`);
  assert.match(left.text, /id="abandoned"/);
  assert.equal((await rig.stripe.checkout.sessions.retrieve(id)).status, 'open');
  assert.equal((await submit(url, '4242424242424242')).status, 303);
  await (await request(`${challenge.location}/approve`, { method: 'POST' })).body.dump();
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
});

test('an expired page says so and takes no card, and an open challenge is void with it', async (t) => {
  const rig = await startRig(t);
  const { id, url } = await start(rig);
  const challenge = await submit(url, '4000002760003184');
  await rig.stripe.checkout.sessions.expire(id);
  for (const answer of [await open(url), await submit(url, '4242424242424242')]) {
    assert.equal(answer.status, 410);
    assert.match(answer.text, /id="expired"/);
    assert.doesNotMatch(answer.text, /<form/);
  }
  await (await request(`${challenge.location}/approve`, { method: 'POST' })).body.dump();
  assert.deepEqual(await rig.effects('charge.succeeded'), []);
  assert.equal((await open(`${rig.simulator.url}/c/pay/cs_test_guess`)).status, 404);
  assert.equal((await submit(`${rig.simulator.url}/c/pay/cs_test_guess`, '4242424242424242')).status, 404);
});

test('a guest who comes after the time is over expires the session, timer or not', async (t) => {
  const rig = await startRig(t);
  const { id, url } = await start(rig);
  await rig.control('POST', '/clock', { advance_ms: 86_401_000 });
  assert.equal((await submit(url, '4242424242424242')).status, 410);
  assert.equal((await rig.stripe.checkout.sessions.retrieve(id)).status, 'expired');
  assert.equal((await rig.effects('checkout.session.expired')).length, 1);
});

test('a hotel that may not send card numbers itself still has the page', async (t) => {
  const rig = await startRig(t);
  await rig.control('POST', '/accounts', { secret_key: 'sk_test_norawcards1', name: 'Dar' });
  const session = await rig.client('sk_test_norawcards1').checkout.sessions.create(params);
  assert.equal((await submit(session.url ?? '', '4242424242424242')).status, 303);
});

test('a payment whose reply is lost is done, and the page leads on when it is opened again', async (t) => {
  const rig = await startRig(t);
  const { id, url } = await start(rig);
  await rig.arm({ fault: 'act_then_drop', path: '/c/pay', method: 'POST' });
  await assert.rejects(submit(url, '4242424242424242'));
  await until('the payment', async () =>
    (await rig.effects('charge.succeeded')).length === 1 ? true : undefined,
  );
  assert.equal((await open(url)).location, `https://hotel.test/thanks/${id}?s=${id}`);
  assert.equal((await rig.effects('charge.succeeded')).length, 1);
});

test('no card number and no security code is in the journal', async (t) => {
  const rig = await startRig(t);
  const { url } = await start(rig);
  await submit(url, '4000000000009995', { cvc: '737' });
  await submit(url, '4242 4242 4242 4242', { cvc: '737' });
  const journal = await readFile(join(rig.dataDir, 'journal.jsonl'), 'utf8');
  assert.match(journal, /"path":"\/c\/pay"/);
  for (const secret of ['4000000000009995', '4242424242424242', '4242 4242', '737'])
    assert.doesNotMatch(journal, new RegExp(`(^|[^0-9a-f])${secret}([^0-9a-f]|$)`, 'm'), secret);
});
