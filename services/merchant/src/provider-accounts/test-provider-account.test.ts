import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { CredentialCheck } from '@centra/proto/centra/transaction/v1/transaction.ts';
import {
  connectStripe,
  everyCredentialWorks,
  newCaller,
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

const PATH = '/v1/provider-accounts';

test('200: the stored secret is what the provider is asked about, and the answer is kept', async () => {
  const { merchantId, caller } = await newCaller(service);
  const secret = stripeKey();
  const id = await connectStripe(caller, secret);
  service.transaction.answerWith(() => ({
    result: CredentialCheck.CREDENTIAL_CHECK_REJECTED,
    message: 'Revoked.',
  }));
  const tested = await caller.post(`${PATH}/${id}/test`).send({}).expect(200);
  assert.deepEqual(tested.body, { result: 'rejected', message: 'Revoked.', account_name: null });
  assert.deepEqual(service.transaction.asked.at(-1)?.credentials, { secret_key: secret });
  const { tested_at: testedAt, ...kept } = (await caller.get(`${PATH}/${id}`)).body.last_test;
  assert.deepEqual(kept, { result: 'rejected', message: 'Revoked.', account_name: null, version: 1 });
  const [clock] = await service.sql('select abs(extract(epoch from now() - $1::timestamptz)) < 600 as near', [
    testedAt,
  ]);
  assert.deepEqual(clock, { near: true });
  const [event] = await service.sql(
    `select actor, object_id, after->>'result' as result from audit_events where merchant_id = $1 and action = 'provider_account.tested'`,
    [merchantId],
  );
  assert.deepEqual(event, {
    actor: 'api_key:key_01jd0000000000000000000000',
    object_id: id,
    result: 'rejected',
  });
});

test('200 for the simulator, which has no secret to open', async () => {
  const { caller } = await newCaller(service);
  const { id } = (await caller.post(PATH).send({ provider: 'simulator', credentials: {} }).expect(201)).body;
  const { body } = await caller.post(`${PATH}/${id}/test`).send({}).expect(200);
  assert.equal(body.result, 'ok');
});

test('400 with fields; 404 for another hotel’s account; 409 for a deleted one', async () => {
  const { caller } = await newCaller(service);
  const id = await connectStripe(caller);
  await caller
    .post(`${PATH}/${id}/test`)
    .send({ credentials: { secret_key: stripeKey() } })
    .expect(400);
  const foreign = await newCaller(service);
  await foreign.caller.post(`${PATH}/${id}/test`).send({}).expect(404);
  await caller.delete(`${PATH}/${id}`).expect(200);
  const refused = await caller.post(`${PATH}/${id}/test`).send({}).expect(409);
  assert.equal(refused.body.code, 'state_conflict');
});
