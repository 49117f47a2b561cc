import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CredentialCheck } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import {
  asCaller,
  connectStripe,
  everyCredentialWorks,
  newCaller,
  startTestMerchant,
  stripeKey,
} from '../test-service.ts';
import type { Answer, TestMerchant } from '../test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());
beforeEach(() => service.transaction.answerWith(everyCredentialWorks));

const PATH = '/v1/provider-accounts';
const accountsOf = (merchantId: string) =>
  service.sql('select id from provider_accounts where merchant_id = $1', [merchantId]);

const newStripeBody = () => ({ provider: 'stripe', credentials: { secret_key: stripeKey() } });

describe('422', () => {
  const refusals: [string, Answer, string, RegExp][] = [
    [
      'rejected',
      { result: CredentialCheck.CREDENTIAL_CHECK_REJECTED, message: 'Stripe says: this key was revoked.' },
      'rejected',
      /^Stripe says: this key was revoked\.$/,
    ],
    [
      'rejected without words',
      { result: CredentialCheck.CREDENTIAL_CHECK_REJECTED },
      'rejected',
      /^Stripe did not accept/,
    ],
    [
      'lacking a permission',
      { result: CredentialCheck.CREDENTIAL_CHECK_INSUFFICIENT, message: 'It cannot write charges.' },
      'insufficient',
      /^It cannot write charges\.$/,
    ],
    [
      'of the other mode',
      { result: CredentialCheck.CREDENTIAL_CHECK_WRONG_MODE },
      'wrong_mode',
      /live key, but this account is for test mode/,
    ],
  ];
  for (const [what, answer, result, words] of refusals)
    test(`credentials ${what}: nothing saved, the reason in words for staff`, async () => {
      const { merchantId, caller } = await newCaller(service);
      service.transaction.answerWith(() => answer);
      const refused = await caller
        .post(PATH)
        .send({ provider: 'stripe', credentials: { secret_key: stripeKey() } })
        .expect(422);
      assert.equal(refused.body.code, 'provider_credentials_rejected');
      assert.equal(refused.body.result, result);
      assert.match(refused.body.detail, words);
      assert.deepEqual(await accountsOf(merchantId), []);
    });

  test('a key whose spelling says the other mode, which is not even sent', async () => {
    const { caller } = await newCaller(service);
    const asked = service.transaction.asked.length;
    const body = { provider: 'stripe', credentials: { secret_key: stripeKey('live') } };
    const refused = await caller.post(PATH).send(body).expect(422);
    assert.deepEqual(
      [refused.body.code, refused.body.result],
      ['provider_credentials_rejected', 'wrong_mode'],
    );
    const mixed = { secret_key: stripeKey(), publishable_key: 'pk_live_ABCDEFGH' };
    const other = await caller.post(PATH).send({ provider: 'stripe', credentials: mixed }).expect(422);
    assert.match(other.body.detail, /publishable_key/);
    assert.equal(service.transaction.asked.length, asked);
  });

  test('a card number in the name', async () => {
    const { caller } = await newCaller(service);
    const body = { provider: 'simulator', name: 'Desk 4242424242424242', credentials: {} };
    const refused = await caller.post(PATH).send(body).expect(422);
    assert.equal(refused.body.code, 'card_data_not_allowed');
    assert.doesNotMatch(refused.text, /4242/);
  });
});

describe('503', () => {
  test('the provider cannot be reached: nothing saved', async () => {
    const { merchantId, caller } = await newCaller(service);
    service.transaction.answerWith(() => ({ result: CredentialCheck.CREDENTIAL_CHECK_UNREACHABLE }));
    const refused = await caller.post(PATH).send(newStripeBody()).expect(503);
    assert.equal(refused.body.code, 'provider_unreachable');
    assert.ok(Number(refused.headers['retry-after']) > 0);
    assert.deepEqual(await accountsOf(merchantId), []);
  });

  test('the provider does not answer in time: nothing saved', async () => {
    const { merchantId, caller } = await newCaller(service);
    // The status that a call past its deadline ends with.
    service.transaction.answerWith(() => {
      throw new AppError('request_timeout');
    });
    const refused = await caller.post(PATH).send(newStripeBody()).expect(503);
    assert.equal(refused.body.code, 'provider_unreachable');
    assert.deepEqual(await accountsOf(merchantId), []);
  });

  test('the transaction service cannot be reached: nothing saved', async () => {
    const replica = await service.startReplica({ transactionAddress: `127.0.0.1:${await freePort()}` });
    try {
      const { merchantId } = await newCaller(service);
      const caller = asCaller({ ...service, service: replica }, { merchantId });
      const refused = await caller.post(PATH).send(newStripeBody()).expect(503);
      assert.equal(refused.body.code, 'unavailable');
      assert.deepEqual(await accountsOf(merchantId), []);
    } finally {
      await replica.close();
    }
  });

  test('the data key is used up: nothing saved', async () => {
    const { merchantId, caller } = await newCaller(service);
    await connectStripe(caller);
    await service.sql('update data_keys set uses = 2147483647 where merchant_id = $1', [merchantId]);
    await caller.post(PATH).send(newStripeBody()).expect(503);
    assert.equal((await accountsOf(merchantId)).length, 1);
  });
});

test('a refusal of this service’s own call is 500, never the hotel’s 401 or 403', async () => {
  const { merchantId, caller } = await newCaller(service);
  for (const code of ['unauthenticated', 'forbidden', 'validation_failed'] as const) {
    service.transaction.answerWith(() => {
      throw new AppError(code);
    });
    await caller.post(PATH).send(newStripeBody()).expect(500);
  }
  assert.deepEqual(await accountsOf(merchantId), []);
});

test('an answer that we do not understand is 500 and saves nothing', async () => {
  const { merchantId, caller } = await newCaller(service);
  service.transaction.answerWith(() => ({ result: CredentialCheck.CREDENTIAL_CHECK_UNSPECIFIED }));
  const secret = stripeKey();
  const refused = await caller
    .post(PATH)
    .send({ provider: 'stripe', credentials: { secret_key: secret } })
    .expect(500);
  assert.ok(!refused.text.includes(secret));
  assert.deepEqual(await accountsOf(merchantId), []);
});
