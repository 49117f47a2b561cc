import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { after, before, test } from 'node:test';
import { checkParameters } from '@centra/simulator-stripe/conformity/check-parameters.ts';
import { checkShape } from '@centra/simulator-stripe/conformity/check-shape.ts';
import { parseForm } from '@centra/simulator-stripe/http/form.ts';
import type { Stripe } from 'stripe';
import { request } from 'undici';
import { z } from 'zod';
import { outcomeOfIntent, readIntent } from './stripe-intent.ts';
import type { Charge, Intent } from './stripe-intent.ts';
import { ALL_EXTRAS, CARDS, followUpOf, startStripeRig } from './stripe-rig.ts';
import type { StripeRig } from './stripe-rig.ts';

const objectSchema = z.looseObject({ object: z.string() });
const replySchema = objectSchema.extend({ data: z.array(objectSchema).optional() });

type Exchange = { method: string; path: string; body: string; status: number; reply: string };

const exchanges: Exchange[] = [];
let recorder: Server;
let rig: StripeRig;

before(async () => {
  rig = await startStripeRig(startRecorder);
  await sendEverything();
});
after(async () => {
  await rig.close();
  await new Promise((resolve) => recorder.close(resolve));
});

/** Stands between adapter and Stripe, passes everything on and writes it down. */
async function startRecorder(stripeUrl: string): Promise<string> {
  recorder = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = 'GET', url = '/' } = incoming;
      const body = Buffer.concat(chunks).toString('utf8');
      const headers = Object.entries(incoming.headers).filter(
        ([name]) => !['host', 'connection', 'content-length', 'transfer-encoding'].includes(name),
      );
      void (async () => {
        const answer = await request(`${stripeUrl}${url}`, {
          method: method === 'POST' ? 'POST' : 'GET',
          headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
          body: method === 'POST' ? body : null,
        });
        const reply = await answer.body.text();
        exchanges.push({ method, path: url, body, status: answer.statusCode, reply });
        outgoing.writeHead(answer.statusCode, { 'content-type': 'application/json' }).end(reply);
      })().catch(() => outgoing.destroy());
    });
  });
  await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve));
  const address = recorder.address();
  if (address === null || typeof address === 'string') throw new Error('the recorder has no port');
  return `http://127.0.0.1:${address.port}`;
}

/** One of every call that the adapter makes. */
async function sendEverything(): Promise<void> {
  const { provider } = rig;
  const returnUrl = 'https://hotel.example.com/back';
  const charges = [
    await rig.chargeAttempt({ returnUrl }),
    await rig.chargeAttempt({ initiation: 'merchant', originalNetworkTransactionId: 'nti_1' }),
    await rig.chargeAttempt({ initiation: 'moto', captureMethod: 'manual', extras: ALL_EXTRAS }),
    await rig.chargeAttempt({}, CARDS.declined),
  ];
  for (const attempt of charges) await provider.charge(attempt);
  const challenged = await rig.chargeAttempt({ returnUrl }, CARDS.challenged);
  const challenge = await provider.charge(challenged);
  assert.ok(challenge.kind === 'requires_action');
  await provider.cancelChallenge(challenged, challenge.providerReference);
  await provider.lookup(challenged);
  const held = await rig.held();
  const raised = { authorizedMinor: 15_000n, capturedMinor: 0n, refundedMinor: 0n };
  const steps = [
    followUpOf(held, 'adjust', 15_000n),
    followUpOf(held, 'capture', 5_000n, { isFinal: false, before: raised }),
    followUpOf(held, 'void', 10_000n, { before: { ...raised, capturedMinor: 5_000n } }),
    followUpOf(held, 'refund', 1_000n, { reason: 'duplicate' }),
    followUpOf(await rig.held(), 'void', 12_500n),
  ];
  for (const step of steps) {
    const outcome = await provider.followUp(step);
    assert.equal(outcome.kind, 'succeeded', step.kind);
    await provider.lookupFollowUp(step);
  }
  await provider.standing(held.attempt.account, held.reference, 'EUR');
  const hosted = await rig.hostedAttempt({ captureMethod: 'manual', extras: ALL_EXTRAS });
  const page = await provider.openHostedPage(hosted);
  assert.ok(page.kind === 'requires_action');
  await provider.lookup(hosted);
  await provider.cancelChallenge(hosted, page.providerReference);
}

test('everything that is sent has only parameters that the pinned API takes, of the right kind', () => {
  const posts = exchanges.filter(({ method }) => method === 'POST');
  for (const { path, body } of posts) {
    // Expiring a session moves nothing and takes nothing but what to expand.
    if (path.endsWith('/expire')) assert.deepEqual(Object.keys(parseForm(body) ?? {}), ['expand']);
    else assert.deepEqual(checkParameters('POST', path, parseForm(body)), [], `POST ${path}`);
  }
  const kinds = new Set(posts.map(({ path }) => path.replace(/(?:pi|cs)_[0-9A-Za-z_]+/, ':id')));
  assert.deepEqual([...kinds].toSorted(), [
    '/v1/checkout/sessions',
    '/v1/checkout/sessions/:id/expire',
    '/v1/payment_intents',
    '/v1/payment_intents/:id/cancel',
    '/v1/payment_intents/:id/capture',
    '/v1/payment_intents/:id/increment_authorization',
    '/v1/payment_methods',
    '/v1/refunds',
  ]);
});

test('every answer that was mapped has the published shape, and nothing that is read of it was lost', () => {
  const answers = exchanges
    .filter(({ status }) => status === 200)
    .map(({ reply }) => replySchema.parse(JSON.parse(reply)));
  const objects = answers.flatMap((answer) => answer.data ?? [answer]);
  for (const object of objects) assert.deepEqual(checkShape(object.object, object), [], object.object);
  const intents = objects.filter(({ object }) => object === 'payment_intent');
  assert.ok(intents.length >= 10);
  for (const intent of intents) {
    const read = readIntent(intent);
    for (const name of ['status', 'amount', 'amount_capturable', 'amount_received', 'currency'] as const)
      assert.equal(read?.[name], intent[name], name);
    const card = read?.latest_charge?.payment_method_details?.card;
    if (intent['status'] === 'requires_capture') assert.ok(card?.capture_before && card.multicapture?.status);
  }
});

test('a payment intent as small as Stripe publishes it, unconfirmed and without a charge, decides nothing', () => {
  const fixture: Partial<Stripe.PaymentIntent> = {
    id: 'pi_1',
    object: 'payment_intent',
    amount: 1_099,
    amount_capturable: 0,
    amount_received: 0,
    capture_method: 'automatic',
    currency: 'usd',
    last_payment_error: null,
    latest_charge: null,
    metadata: {},
    next_action: null,
    payment_method: null,
    status: 'requires_payment_method',
  };
  const money = { amountMinor: 1_099n, currency: 'USD' };
  assert.equal(outcomeOfIntent(fixture, { money, captureMethod: 'automatic' }).kind, 'unknown');
});

// The fields that are read are fields of the SDK's types: a name that Stripe renames does not compile.
const INTENT_FIELDS: keyof Intent extends keyof Stripe.PaymentIntent ? true : never = true;
const CHARGE_FIELDS: keyof Charge extends keyof Stripe.Charge ? true : never = true;

test('every field that is read is one of the SDK’s types', () => {
  assert.ok(INTENT_FIELDS && CHARGE_FIELDS);
});
