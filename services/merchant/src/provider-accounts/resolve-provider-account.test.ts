import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AccountKind } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { ProviderAccount } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { callUnary, fromServiceError } from '@centra/service-kit/grpc.ts';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import {
  GRPC,
  asCaller,
  callOptions,
  connectStripe,
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

const resolve = async (providerAccountId: string, caller = 'transaction'): Promise<ProviderAccount> => {
  const client = service.client(caller);
  return await callUnary(client.resolveProviderAccount.bind(client), { providerAccountId }, callOptions());
};
const refusedWith = async (code: string, id: string): Promise<void> => {
  await assert.rejects(resolve(id), (error) => {
    assert.equal(fromServiceError(error).code, code, id);
    return true;
  });
};

describe('answered', () => {
  test('by the id alone, in either spelling: whose account it is, its mode and its opened credentials', async () => {
    const { merchantId, caller } = await newCaller(service);
    await connectStripe((await newCaller(service)).caller);
    const secret = stripeKey();
    const fields = { secret_key: secret, webhook_secret: 'whsec_canary0002ABCDefgh' };
    const id = await connectStripe(caller, secret, { credentials: fields });
    const uuid = fromPublicId('pa', id) ?? '';
    for (const name of [id, uuid, uuid.toUpperCase()])
      assert.deepEqual(await resolve(name), {
        providerAccountId: uuid,
        merchantId,
        mode: Mode.MODE_TEST,
        kind: AccountKind.ACCOUNT_KIND_CARD_PROVIDER,
        provider: 'stripe',
        version: 1,
        credentials: fields,
        statementDescriptor: '',
      });
  });

  test('in its current version, and a live account as a live one', async () => {
    const merchantId = await newHotel(service);
    const live = asCaller(service, { merchantId, mode: 'live' });
    const id = await connectStripe(live, stripeKey('live'));
    const credentials = { secret_key: stripeKey('live') };
    await live.post(`/v1/provider-accounts/${id}/rotate`).send({ credentials }).expect(200);
    const account = await resolve(id);
    assert.deepEqual([account.mode, account.version, account.credentials], [Mode.MODE_LIVE, 2, credentials]);
  });

  test('an account without secrets too', async () => {
    const { caller } = await newCaller(service);
    const created = await caller
      .post('/v1/provider-accounts')
      .send({ provider: 'simulator', mode: 'test', credentials: {} })
      .expect(201);
    assert.equal(created.body.webhook_path, null);
    assert.deepEqual((await resolve(created.body.id)).credentials, {});
  });

  test('a reading is written into that hotel’s history', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    await resolve(id);
    const events = await service.sql(
      `select actor, object_id from audit_events where merchant_id = $1 and action = 'provider_account.secret_opened'`,
      [merchantId],
    );
    assert.deepEqual(events, [{ actor: 'service:transaction', object_id: id }]);
  });
});

describe('refused', () => {
  test('not_found: an unknown account and a deleted one', async () => {
    const { caller } = await newCaller(service);
    const id = await connectStripe(caller);
    await caller.delete(`/v1/provider-accounts/${id}`).expect(200);
    for (const unknown of [id, newUuid(), toPublicId('pa', newUuid())])
      await refusedWith('not_found', unknown);
  });

  test('validation_failed: what is no account id', async () => {
    for (const none of ['', 'x', 'mer_01jd0000000000000000000000', "' or 1=1 --"])
      await refusedWith('validation_failed', none);
  });

  test('every other service, also by an account id that exists', async () => {
    const { caller } = await newCaller(service);
    const id = await connectStripe(caller);
    for (const name of ['api-gateway', 'auth', 'merchant', 'payment-api', 'operator'])
      await assert.rejects(resolve(id, name), { code: GRPC.PERMISSION_DENIED }, name);
  });
});

test('one id is one account: the database refuses a second hotel under it', async () => {
  const { caller } = await newCaller(service);
  const id = fromPublicId('pa', await connectStripe(caller));
  const other = await newHotel(service);
  await assert.rejects(
    service.sql(
      `insert into provider_accounts (merchant_id, id, provider, kind, mode, name)
       values ($1, $2, 'stripe', 'card_provider', 'test', 'taken over')`,
      [other, id],
    ),
    { code: '23505', constraint: 'provider_accounts_id' },
  );
});

test('the look across hotels ends with its transaction: the next reading on the same connection sees one hotel', async () => {
  const { caller } = await newCaller(service);
  const id = await connectStripe(caller);
  const stranger = await newCaller(service);
  await Promise.all(Array.from({ length: 12 }, () => resolve(id)));
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => stranger.caller.get(`/v1/provider-accounts/${id}`)),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([404]));
});
