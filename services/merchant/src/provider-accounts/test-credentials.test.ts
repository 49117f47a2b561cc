import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CredentialCheck } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import {
  asCaller,
  everyCredentialWorks,
  newCaller,
  newHotel,
  startTestMerchant,
  stripeKey,
} from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());
beforeEach(() => service.transaction.answerWith(everyCredentialWorks));

const PATH = '/v1/provider-accounts/test';
const newBody = () => ({ provider: 'stripe', credentials: { secret_key: stripeKey() } });

describe('200', () => {
  const results = [
    ['ok', CredentialCheck.CREDENTIAL_CHECK_OK],
    ['rejected', CredentialCheck.CREDENTIAL_CHECK_REJECTED],
    ['unreachable', CredentialCheck.CREDENTIAL_CHECK_UNREACHABLE],
    ['wrong_mode', CredentialCheck.CREDENTIAL_CHECK_WRONG_MODE],
    ['insufficient', CredentialCheck.CREDENTIAL_CHECK_INSUFFICIENT],
  ] as const;
  for (const [result, code] of results)
    test(`the answer ${result} is passed on in words, and nothing is stored`, async () => {
      const { merchantId, caller } = await newCaller(service);
      service.transaction.answerWith(() => ({ result: code, accountName: 'Riad Atlas SARL' }));
      const { body } = await caller.post(PATH).send(newBody()).expect(200);
      const { message, ...rest } = body;
      assert.deepEqual(rest, { result, account_name: 'Riad Atlas SARL' });
      assert.ok(message.length > 20 && /Stripe/.test(message), message);
      for (const table of ['provider_accounts', 'data_keys'])
        assert.deepEqual(
          await service.sql(`select 1 from ${table} where merchant_id = $1`, [merchantId]),
          [],
          table,
        );
    });

  test('the provider’s own words reach staff, and an account without a name has none', async () => {
    const { caller } = await newCaller(service);
    service.transaction.answerWith(() => ({ message: 'Your Stripe account still needs an address.' }));
    const { body } = await caller.post(PATH).send(newBody()).expect(200);
    assert.deepEqual(body, {
      result: 'ok',
      message: 'Your Stripe account still needs an address.',
      account_name: null,
    });
  });

  test('a live key in test mode is told apart without asking the provider', async () => {
    const { caller } = await newCaller(service);
    const asked = service.transaction.asked.length;
    const { body } = await caller
      .post(PATH)
      .send({ provider: 'stripe', credentials: { secret_key: stripeKey('live') } });
    assert.equal(body.result, 'wrong_mode');
    assert.equal(service.transaction.asked.length, asked);
  });
});

test('400 for a wrong shape and for a caller-chosen host; 403 without the scope', async () => {
  const { merchantId, caller } = await newCaller(service);
  const refused = await caller
    .post(PATH)
    .send({ provider: 'stripe', credentials: { secret_key: 'x' } })
    .expect(400);
  assert.equal(refused.body.errors[0].field, 'credentials.secret_key');
  await caller
    .post(PATH)
    .send({ ...newBody(), host: 'localhost' })
    .expect(400);
  await asCaller(service, { merchantId, scopes: ['provider_accounts:read'] })
    .post(PATH)
    .send(newBody())
    .expect(403);
  await caller.get(PATH).expect(405);
  await caller.put(PATH).send({}).expect(405);
});

test('503 when the transaction service cannot be reached: that is no verdict on the credentials', async () => {
  const replica = await service.startReplica({ transactionAddress: `127.0.0.1:${await freePort()}` });
  try {
    const caller = asCaller({ ...service, service: replica }, { merchantId: await newHotel(service) });
    const refused = await caller.post(PATH).send(newBody()).expect(503);
    assert.equal(refused.body.code, 'unavailable');
  } finally {
    await replica.close();
  }
});
