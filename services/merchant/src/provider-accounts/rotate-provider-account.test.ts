import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { CredentialCheck } from '@centra/proto/centra/transaction/v1/transaction.ts';
import {
  asCaller,
  connectStripe,
  everyCredentialWorks,
  newCaller,
  newHotel,
  openAccount,
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
const to = (secret = stripeKey()) => ({ credentials: { secret_key: secret } });
const versionsOf = (merchantId: string) =>
  service.sql(
    `select version, state, round(extract(epoch from drains_until - now()) / 3600)::int as hours
       from provider_account_versions where merchant_id = $1 order by version`,
    [merchantId],
  );
const openVersion = async (merchantId: string, id: string, version: number): Promise<string | undefined> => {
  const selector = { $case: 'accountVersion', value: { providerAccountId: id, version } } as const;
  return (await openAccount(service, { merchantId, selector })).credentials['secret_key'];
};

describe('200', () => {
  test('new credentials are the next version at once; the old ones serve what began with them for 72 hours', async () => {
    const { merchantId, caller } = await newCaller(service);
    const [first, second] = [stripeKey(), stripeKey()];
    const id = await connectStripe(caller, first);
    const { body } = await caller.post(`${PATH}/${id}/rotate`).send(to(second)).expect(200);
    assert.deepEqual(
      [body.id, body.version, body.default, body.credentials.secret_key.last4],
      [id, 2, true, second.slice(-4)],
    );
    assert.deepEqual(await versionsOf(merchantId), [
      { version: 1, state: 'draining', hours: 72 },
      { version: 2, state: 'active', hours: null },
    ]);
    const current = await openAccount(service, { merchantId });
    assert.deepEqual([current.version, current.credentials], [2, { secret_key: second }]);
    assert.equal(await openVersion(merchantId, id, 1), first);
  });

  test('the history holds before and after without a secret', async () => {
    const { merchantId, caller } = await newCaller(service);
    const [first, second] = [stripeKey(), stripeKey()];
    const id = await connectStripe(caller, first);
    await caller.post(`${PATH}/${id}/rotate`).send(to(second)).expect(200);
    const [event] = await service.sql(
      `select before, after, actor, address from audit_events where merchant_id = $1 and action = 'provider_account.rotated'`,
      [merchantId],
    );
    const text = JSON.stringify(event);
    assert.match(text, /"version":1.*"version":2/s);
    assert.ok(!text.includes(first) && !text.includes(second));
  });

  test('of many rotations at once none is lost: each secret is a version, one of them active', async () => {
    const { merchantId, caller } = await newCaller(service);
    const first = stripeKey();
    const id = await connectStripe(caller, first);
    const secrets = Array.from({ length: 6 }, () => stripeKey());
    const answers = await Promise.all(
      secrets.map((secret) => caller.post(`${PATH}/${id}/rotate`).send(to(secret)).expect(200)),
    );
    assert.deepEqual(new Set(answers.map(({ body }) => body.version)), new Set([2, 3, 4, 5, 6, 7]));
    const states = (await versionsOf(merchantId)).map((row) => row['state']);
    assert.deepEqual(states, [...Array.from({ length: 6 }, () => 'draining'), 'active']);
    for (const [index, answer] of answers.entries())
      assert.equal(await openVersion(merchantId, id, answer.body.version), secrets[index]);
    assert.equal(await openVersion(merchantId, id, 1), first);
  });

  test('a live key rotates a test account too', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    const live = asCaller(service, { merchantId, mode: 'live' });
    const { body } = await live.post(`${PATH}/${id}/rotate`).send(to()).expect(200);
    assert.deepEqual([body.mode, body.version], ['test', 2]);
  });
});

describe('fields that are left out keep their values', () => {
  const WEBHOOK_SECRET = 'whsec_canary0001ABCDefgh';

  test('a webhook secret is added without the key being typed again, and the provider is asked about both', async () => {
    const { merchantId, caller } = await newCaller(service);
    const secret = stripeKey();
    const plain = 'pk_test_ABCDEFGH';
    const id = await connectStripe(caller, secret, {
      credentials: { secret_key: secret, publishable_key: plain },
    });
    const { body, text } = await caller
      .post(`${PATH}/${id}/rotate`)
      .send({ credentials: { webhook_secret: WEBHOOK_SECRET } })
      .expect(200);
    assert.deepEqual([body.version, body.credentials.webhook_secret.last4], [2, WEBHOOK_SECRET.slice(-4)]);
    assert.ok(!text.includes(WEBHOOK_SECRET) && !text.includes(secret));
    const all = { secret_key: secret, publishable_key: plain, webhook_secret: WEBHOOK_SECRET };
    assert.deepEqual(service.transaction.asked.at(-1)?.credentials, all);
    assert.deepEqual((await openAccount(service, { merchantId })).credentials, all);
    assert.equal(await openVersion(merchantId, id, 1), secret);
  });

  test('null removes an optional field; a required one cannot be removed', async () => {
    const { merchantId, caller } = await newCaller(service);
    const secret = stripeKey();
    const id = await connectStripe(caller, secret, {
      credentials: { secret_key: secret, webhook_secret: WEBHOOK_SECRET },
    });
    const path = `${PATH}/${id}/rotate`;
    await caller
      .post(path)
      .send({ credentials: { webhook_secret: null } })
      .expect(200);
    assert.deepEqual((await openAccount(service, { merchantId })).credentials, { secret_key: secret });
    const refused = await caller
      .post(path)
      .send({ credentials: { secret_key: null } })
      .expect(400);
    assert.equal(refused.body.errors[0].field, 'credentials.secret_key');
  });

  test('of two rotations at once none undoes the other: the later one is 409 when it kept what has changed', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    const path = `${PATH}/${id}/rotate`;
    const newKey = stripeKey();
    service.transaction.answerWith(async ({ credentials }) => {
      // While the provider is asked about the webhook secret, someone else replaces the key.
      if (credentials['webhook_secret'] !== undefined) await caller.post(path).send(to(newKey)).expect(200);
      return { result: CredentialCheck.CREDENTIAL_CHECK_OK };
    });
    const late = await caller
      .post(path)
      .send({ credentials: { webhook_secret: WEBHOOK_SECRET } })
      .expect(409);
    assert.equal(late.body.code, 'state_conflict');
    assert.deepEqual((await openAccount(service, { merchantId })).credentials, { secret_key: newKey });
  });

  test('when every secret is given anew, nothing old is opened: an account whose secrets are unreadable is repaired', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    await service.sql(
      `update provider_account_versions set sealed_fields = '{"secret_key":"v1.a.b.c"}' where merchant_id = $1`,
      [merchantId],
    );
    const path = `${PATH}/${id}/rotate`;
    await caller
      .post(path)
      .send({ credentials: { webhook_secret: WEBHOOK_SECRET } })
      .expect(500);
    const secret = stripeKey();
    await caller.post(path).send(to(secret)).expect(200);
    assert.deepEqual((await openAccount(service, { merchantId })).credentials, { secret_key: secret });
  });
});

describe('refused, and the old version stays the active one', () => {
  const refuses = async (status: number, body: object, code: string): Promise<void> => {
    const { merchantId, caller } = await newCaller(service);
    service.transaction.answerWith(everyCredentialWorks);
    const id = await connectStripe(caller);
    service.transaction.answerWith(() => ({ result: refusal }));
    const refused = await caller.post(`${PATH}/${id}/rotate`).send(body).expect(status);
    assert.equal(refused.body.code, code);
    assert.deepEqual(await versionsOf(merchantId), [{ version: 1, state: 'active', hours: null }]);
  };
  let refusal: CredentialCheck = CredentialCheck.CREDENTIAL_CHECK_OK;

  test('400 for a missing, an unknown and a misshapen field, and for more than credentials', async () => {
    for (const body of [
      {},
      { credentials: {} },
      { credentials: { api_key: 'x' } },
      to('x'),
      { ...to(), default: true },
    ])
      await refuses(400, body, 'validation_failed');
  });
  test('422 for credentials that the provider rejects, or that are of the other mode', async () => {
    refusal = CredentialCheck.CREDENTIAL_CHECK_REJECTED;
    await refuses(422, to(), 'provider_credentials_rejected');
    await refuses(422, to(stripeKey('live')), 'provider_credentials_rejected');
  });
  test('503 when the provider cannot be reached', async () => {
    refusal = CredentialCheck.CREDENTIAL_CHECK_UNREACHABLE;
    await refuses(503, to(), 'provider_unreachable');
  });
});

test('404 for another hotel’s account, another mode’s, an unknown and a malformed id: the provider is not asked', async () => {
  const merchantId = await newHotel(service);
  const liveId = await connectStripe(asCaller(service, { merchantId, mode: 'live' }), stripeKey('live'));
  const foreignId = await connectStripe((await newCaller(service)).caller);
  const caller = asCaller(service, { merchantId });
  const asked = service.transaction.asked.length;
  for (const id of [liveId, foreignId, 'pa_01jd0000000000000000000000', 'pa_x', 'mer_1', '%'])
    await caller.post(`${PATH}/${id}/rotate`).send(to()).expect(404);
  assert.equal(service.transaction.asked.length, asked);
});

test('409 for a deleted account, also when it is deleted while the provider is asked', async () => {
  const { merchantId, caller } = await newCaller(service);
  const id = await connectStripe(caller);
  service.transaction.answerWith(async () => {
    await caller.delete(`${PATH}/${id}`).expect(200);
    return { result: CredentialCheck.CREDENTIAL_CHECK_OK };
  });
  await caller.post(`${PATH}/${id}/rotate`).send(to()).expect(409);
  await caller.post(`${PATH}/${id}/rotate`).send(to()).expect(409);
  assert.deepEqual(await versionsOf(merchantId), [{ version: 1, state: 'draining', hours: 72 }]);
});
