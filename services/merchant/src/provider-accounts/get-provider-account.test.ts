import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AccountKind } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { GetProviderAccountRequest } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { callUnary, fromServiceError } from '@centra/service-kit/grpc.ts';
import { fromPublicId, newUuid } from '@centra/service-kit/ids.ts';
import {
  GRPC,
  asCaller,
  callOptions,
  connectStripe,
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

type Selector = NonNullable<GetProviderAccountRequest['selector']>;
const byId = (id: string): Selector => ({ $case: 'providerAccountId', value: id });
const byVersion = (id: string, version: number): Selector => ({
  $case: 'accountVersion',
  value: { providerAccountId: id, version },
});
const byKind = (value: AccountKind): Selector => ({ $case: 'defaultOfKind', value });

const refusedWith = async (
  code: string,
  asked: Partial<GetProviderAccountRequest> & { merchantId: string },
): Promise<void> => {
  await assert.rejects(openAccount(service, asked), (error) => {
    assert.equal(fromServiceError(error).code, code, JSON.stringify(asked));
    return true;
  });
};

describe('answered', () => {
  test('by default of a kind, by id in either spelling, and by exact version', async () => {
    const { merchantId, caller } = await newCaller(service);
    const [secret, apiKey] = [stripeKey(), 'feedfacefeedfacefeedfacefeedface'];
    const id = await connectStripe(caller, secret, {
      credentials: { secret_key: secret, publishable_key: 'pk_test_ABCDEFGH' },
    });
    await caller
      .post('/v1/provider-accounts')
      .send({ provider: 'vaultera', credentials: { api_key: apiKey } })
      .expect(201);
    const uuid = fromPublicId('pa', id);
    assert.ok(uuid !== undefined);
    const expected = {
      providerAccountId: uuid,
      merchantId,
      mode: Mode.MODE_TEST,
      kind: AccountKind.ACCOUNT_KIND_CARD_PROVIDER,
      provider: 'stripe',
      version: 1,
      credentials: { secret_key: secret, publishable_key: 'pk_test_ABCDEFGH' },
      statementDescriptor: '',
    };
    const selectors = [
      byKind(AccountKind.ACCOUNT_KIND_CARD_PROVIDER),
      byId(id),
      byId(uuid),
      byId(uuid.toUpperCase()),
      byVersion(uuid, 1),
    ];
    for (const selector of selectors)
      assert.deepEqual(await openAccount(service, { merchantId, selector }), expected);
    const vault = await openAccount(service, {
      merchantId,
      selector: byKind(AccountKind.ACCOUNT_KIND_CARD_VAULT),
    });
    assert.deepEqual([vault.provider, vault.credentials], ['vaultera', { api_key: apiKey }]);
  });

  test('for a hotel id in upper case: it is the same hotel', async () => {
    const { merchantId, caller } = await newCaller(service);
    const secret = stripeKey();
    await connectStripe(caller, secret);
    const account = await openAccount(service, { merchantId: merchantId.toUpperCase() });
    assert.deepEqual([account.merchantId, account.credentials], [merchantId, { secret_key: secret }]);
  });

  test('modes are two worlds: each has its own default', async () => {
    const merchantId = await newHotel(service);
    const [testKey, liveKey] = [stripeKey(), stripeKey('live')];
    const live = asCaller(service, { merchantId, mode: 'live' });
    const liveId = await connectStripe(live, liveKey);
    const testId = await connectStripe(live, testKey, { mode: 'test' });
    assert.equal((await openAccount(service, { merchantId })).credentials['secret_key'], testKey);
    assert.equal(
      (await openAccount(service, { merchantId, mode: Mode.MODE_LIVE })).credentials['secret_key'],
      liveKey,
    );
    await refusedWith('not_found', { merchantId, selector: byId(liveId) });
    await refusedWith('not_found', { merchantId, mode: Mode.MODE_LIVE, selector: byVersion(testId, 1) });
  });

  test('a reading is written into the history once, before the secret is given', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    await openAccount(service, { merchantId });
    await openAccount(service, { merchantId });
    const events = await service.sql(
      `select actor, object_id, request_id, after from audit_events where merchant_id = $1 and action = 'provider_account.secret_opened'`,
      [merchantId],
    );
    assert.deepEqual(events, [
      { actor: 'service:transaction', object_id: id, request_id: 'req-test-0001', after: { version: 1 } },
    ]);
  });
});

describe('refused', () => {
  test('provider_account_missing: none of that kind, or the one named is deleted', async () => {
    const { merchantId, caller } = await newCaller(service);
    await refusedWith('provider_account_missing', { merchantId });
    await refusedWith('provider_account_missing', { merchantId: newUuid() });
    const id = await connectStripe(caller);
    await refusedWith('provider_account_missing', {
      merchantId,
      selector: byKind(AccountKind.ACCOUNT_KIND_CARD_VAULT),
    });
    await caller.delete(`/v1/provider-accounts/${id}`).expect(200);
    await refusedWith('provider_account_missing', { merchantId });
    await refusedWith('provider_account_missing', { merchantId, selector: byId(id) });
    assert.equal((await openAccount(service, { merchantId, selector: byVersion(id, 1) })).version, 1);
  });

  test('not_found: unknown ids and versions, and another hotel’s account however it is named', async () => {
    const { caller } = await newCaller(service);
    const id = await connectStripe(caller);
    const merchantId = await newHotel(service);
    for (const selector of [byId(id), byVersion(id, 1), byId(newUuid()), byVersion(newUuid(), 1)])
      await refusedWith('not_found', { merchantId, selector });
    const own = await newCaller(service);
    const ownId = await connectStripe(own.caller);
    await refusedWith('not_found', { merchantId: own.merchantId, selector: byVersion(ownId, 2) });
  });

  test('validation_failed: no mode, no selector, ids and versions that are none', async () => {
    const merchantId = await newHotel(service);
    await refusedWith('validation_failed', { merchantId, mode: Mode.MODE_UNSPECIFIED });
    await refusedWith('validation_failed', { merchantId: '1 or 1=1' });
    const call = callOptions();
    const client = service.client('transaction');
    const nothing = { merchantId, mode: Mode.MODE_TEST, selector: undefined };
    await assert.rejects(callUnary(client.getProviderAccount.bind(client), nothing, call), {
      code: GRPC.INVALID_ARGUMENT,
    });
    for (const selector of [
      byId('x'),
      byVersion(newUuid(), -1),
      byKind(AccountKind.ACCOUNT_KIND_UNSPECIFIED),
    ])
      await refusedWith('validation_failed', { merchantId, selector });
  });

  test('every other service, also with the token of the right one', async () => {
    const { merchantId, caller } = await newCaller(service);
    await connectStripe(caller);
    for (const name of ['api-gateway', 'auth', 'merchant', 'payment-api', 'operator'])
      await assert.rejects(
        openAccount(service, { merchantId }, name),
        { code: GRPC.PERMISSION_DENIED },
        name,
      );
    const asked = {
      merchantId,
      mode: Mode.MODE_TEST,
      selector: byKind(AccountKind.ACCOUNT_KIND_CARD_PROVIDER),
    };
    const call = callOptions();
    // What proves the caller over HTTP proves nothing here.
    call.metadata.set('authorization', `Bearer ${service.signer('transaction').serviceToken('merchant')}`);
    const client = service.client('payment-api');
    await assert.rejects(callUnary(client.getProviderAccount.bind(client), asked, call), {
      code: GRPC.PERMISSION_DENIED,
    });
  });
});

const failures = async (): Promise<number> => {
  const answer = await fetch(`http://127.0.0.1:${service.service.opsPort}/metrics`);
  return Number(/centra_merchant_unseal_failures_total\{[^}]*\} (\d+)/.exec(await answer.text())?.[1] ?? 0);
};
const replaceSealed = (merchantId: string, sql: string) =>
  service.sql(`update provider_account_versions set sealed_fields = ${sql} where merchant_id = $1`, [
    merchantId,
  ]);

const doesNotOpen = async (merchantId: string): Promise<void> => {
  const earlier = await failures();
  await assert.rejects(openAccount(service, { merchantId }), (error) => {
    const refusal = fromServiceError(error);
    assert.equal(refusal.code, 'internal');
    assert.doesNotMatch(JSON.stringify([refusal, String(error)]), /seal|tag|key/i);
    return true;
  });
  assert.equal(await failures(), earlier + 1);
};
describe('a row that was tampered with does not open, and is counted', () => {
  test('the ciphertext of hotel B pasted into the row of hotel A', async () => {
    const [a, b] = [await newCaller(service), await newCaller(service)];
    await connectStripe(a.caller);
    await connectStripe(b.caller);
    await replaceSealed(
      a.merchantId,
      `(select sealed_fields from provider_account_versions where merchant_id = '${b.merchantId}')`,
    );
    await doesNotOpen(a.merchantId);
  });

  test('the ciphertext and the wrapped key of hotel B, both', async () => {
    const [a, b] = [await newCaller(service), await newCaller(service)];
    await connectStripe(a.caller);
    await connectStripe(b.caller);
    await replaceSealed(
      a.merchantId,
      `(select sealed_fields from provider_account_versions where merchant_id = '${b.merchantId}')`,
    );
    await service.sql(
      `update data_keys set wrapped = (select wrapped from data_keys where merchant_id = $2) where merchant_id = $1`,
      [a.merchantId, b.merchantId],
    );
    await doesNotOpen(a.merchantId);
  });

  test('the ciphertext of the same hotel’s other account, and of the other version', async () => {
    const { merchantId, caller } = await newCaller(service);
    const id = await connectStripe(caller);
    const other = fromPublicId('pa', await connectStripe(caller));
    await service.sql(
      `update provider_account_versions set sealed_fields = (select sealed_fields from provider_account_versions where provider_account_id = $2)
        where merchant_id = $1 and provider_account_id <> $2`,
      [merchantId, other],
    );
    await doesNotOpen(merchantId);
    await caller
      .post(`/v1/provider-accounts/${id}/rotate`)
      .send({ credentials: { secret_key: stripeKey() } })
      .expect(200);
    await service.sql(
      `update provider_account_versions as old set sealed_fields = new.sealed_fields from provider_account_versions as new
        where old.merchant_id = $1 and new.merchant_id = $1 and old.version = 1 and new.version = 2
          and old.provider_account_id = new.provider_account_id`,
      [merchantId],
    );
    const earlier = await failures();
    await assert.rejects(openAccount(service, { merchantId, selector: byVersion(id, 1) }), {
      code: GRPC.INTERNAL,
    });
    assert.equal(await failures(), earlier + 1);
  });

  for (const bytes of [12, 8, 4, 0])
    test(`a tag cut to ${bytes} bytes`, async () => {
      const { merchantId, caller } = await newCaller(service);
      await connectStripe(caller);
      const [row] = await service.sql(
        `select sealed_fields->>'secret_key' as sealed from provider_account_versions where merchant_id = $1`,
        [merchantId],
      );
      const parts = String(row?.['sealed']).split('.');
      const tag = Buffer.from(parts[3] ?? '', 'base64url');
      assert.equal(tag.length, 16);
      const cut = [...parts.slice(0, 3), tag.subarray(0, bytes).toString('base64url')].join('.');
      await replaceSealed(merchantId, `'${JSON.stringify({ secret_key: cut })}'`);
      await doesNotOpen(merchantId);
    });

  test('the secret under another field’s name', async () => {
    const { merchantId, caller } = await newCaller(service);
    await connectStripe(caller);
    await replaceSealed(merchantId, `jsonb_build_object('api_key', sealed_fields->'secret_key')`);
    await doesNotOpen(merchantId);
  });
});
