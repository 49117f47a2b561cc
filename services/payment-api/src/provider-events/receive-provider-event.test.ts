import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BODY_MAX_BYTES } from '@centra/service-kit/http.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import { GOOD_SIGNATURE } from '../testing/double-operators.ts';
import { publicCall, refusedTokens } from '../testing/public-call.ts';
import { newMerchant, startWithDoubles } from '../testing/start-with-doubles.ts';
import type { Answer, Call, Stand } from '../testing/start-with-doubles.ts';
import { receivedSchema } from './receive-provider-event.ts';

const ACCOUNT = toPublicId('pa', newUuid());
const WEBHOOK = `/v1/webhooks/stripe/${ACCOUNT}`;

let stand: Stand;
before(async () => {
  stand = await startWithDoubles();
  stand.transaction.operators.accounts.add(ACCOUNT);
});
after(async () => await stand.close());

const post = async (body: Buffer, call: Call & { path?: string } = {}): Promise<Answer> =>
  await publicCall(stand, call.path ?? WEBHOOK, {
    method: 'POST',
    body,
    ...call,
    headers: { 'stripe-signature': GOOD_SIGNATURE, ...call.headers },
  });
const received = () => stand.transaction.operators.received;

describe('200', () => {
  const bodies: [string, Buffer][] = [
    ['JSON as Stripe writes it', Buffer.from('{\n  "id": "evt_1",\n  "type": "charge.refunded"\n}')],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0xc3, 0x28, 0x7d])],
    [
      'white space, a repeated key and a number beyond 2^53',
      Buffer.from(' \t{"a":1,"a":12345678901234567890}\r\n'),
    ],
    ['what looks like a card number', Buffer.from('{"number":"4242 4242 4242 4242"}')],
    ['256 KiB', Buffer.alloc(BODY_MAX_BYTES, '[')],
  ];
  for (const [what, body] of bodies)
    for (const chunked of [false, true])
      test(`${what}${chunked ? ', without a length' : ''}: handed on byte for byte, and nothing of it comes back`, async () => {
        const answer = await post(body, { chunked });
        assert.equal(answer.status, 200);
        assert.deepEqual(receivedSchema.parse(answer.json()), { received: true });
        assert.equal(answer.headers['cache-control'], 'no-store');
        const request = received().at(-1);
        assert.ok(request !== undefined && request.rawBody.equals(body));
        const { provider, providerAccountId, headers, origin } = request;
        assert.deepEqual(
          { provider, providerAccountId, headers },
          { provider: 'stripe', providerAccountId: ACCOUNT, headers: { 'stripe-signature': GOOD_SIGNATURE } },
        );
        assert.deepEqual(
          [origin?.actor, origin?.address, origin?.requestId],
          ['provider:stripe', '203.0.113.9', answer.headers['x-request-id']],
        );
      });

  test('the same event again: Stripe must hear that it arrived', async () => {
    const body = Buffer.from('{"id":"evt_twice"}');
    assert.equal((await post(body)).status, 200);
    assert.equal((await post(body)).status, 200);
  });

  test('the one address of all accounts names none', async () => {
    const answer = await post(Buffer.from('{}'), { path: '/v1/stripe/events' });
    assert.equal(answer.status, 200);
    assert.equal(received().at(-1)?.providerAccountId, '');
  });
});

describe('refused, and nothing of the body is told', () => {
  const CANARY = 'canary-9f2c';
  const body = Buffer.from(`{"secret":"${CANARY}"}`);
  const refused = (answer: Answer, status: number, code: string): void => {
    assert.deepEqual([answer.status, answer.json()['code']], [status, code]);
    assert.ok(!answer.bytes.includes(CANARY));
  };

  test('400 signature_invalid: another signature, an empty one, none', async () => {
    for (const signature of ['t=1,v1=bad', '']) {
      const answer = await post(body, { headers: { 'stripe-signature': signature } });
      refused(answer, 400, 'signature_invalid');
    }
    refused(await publicCall(stand, WEBHOOK, { method: 'POST', body }), 400, 'signature_invalid');
  });

  test('400 validation_failed: a query', async () => {
    refused(await post(body, { path: `${WEBHOOK}?account=1` }), 400, 'validation_failed');
  });

  test('401: whatever does not come in by the gateway’s door', async () => {
    const earlier = received().length;
    for (const [what, token] of refusedTokens(stand)) {
      const headers = {
        'stripe-signature': GOOD_SIGNATURE,
        ...(token === undefined ? {} : { 'x-centra-identity': token }),
      };
      const answer = await stand.call(WEBHOOK, { method: 'POST', body, as: null, headers });
      assert.equal(answer.status, 401, what);
    }
    assert.equal((await stand.call(WEBHOOK, { method: 'POST', body, as: newMerchant() })).status, 401);
    assert.equal(received().length, earlier);
  });

  test('401 on every other route: the token of public routes is no identity', async () => {
    const gateway = createSigner('api-gateway', stand.privateKeys['api-gateway'] ?? '');
    const headers = { 'x-centra-identity': gateway.serviceToken('payment-api') };
    for (const path of ['/v1/payments', '/v1/disputes', '/v1/provider-events', '/v1/unknown-operations'])
      assert.equal((await stand.call(path, { as: null, headers })).status, 401, path);
  });

  test('404: an account that nobody has, and what is no account id', async () => {
    for (const account of [toPublicId('pa', newUuid()), 'pa_1', 'mer_01jd0000000000000000000000', '%00'])
      refused(await post(body, { path: `/v1/webhooks/stripe/${account}` }), 404, 'not_found');
    for (const path of ['/v1/webhooks/stripe', '/v1/webhooks/paypal/x', `${WEBHOOK}/`])
      assert.equal((await post(body, { path })).status, 404, path);
  });

  test('405: another method', async () => {
    for (const path of [WEBHOOK, '/v1/stripe/events']) {
      const answer = await publicCall(stand, path);
      refused(answer, 405, 'method_not_allowed');
      assert.equal(answer.headers.allow, 'POST');
    }
  });

  test('413: one byte more than 256 KiB, announced or not', async () => {
    const large = Buffer.alloc(BODY_MAX_BYTES + 1, '[');
    for (const chunked of [false, true]) refused(await post(large, { chunked }), 413, 'payload_too_large');
  });

  test('503 with Retry-After when it was not stored, so that Stripe sends it again', async () => {
    const { faults } = stand.transaction.operators;
    faults.push(new AppError('unavailable'));
    const answer = await post(body);
    refused(answer, 503, 'unavailable');
    assert.ok(Number(answer.headers['retry-after']) >= 1);
  });
});

test('503 when transaction is away', async () => {
  const alone = await stand.startAnother({ transactionGrpcAddress: '127.0.0.1:1' });
  try {
    const answer = await post(Buffer.from('{}'), { port: alone.httpPort });
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers['retry-after']) >= 1);
  } finally {
    await alone.close();
  }
});
