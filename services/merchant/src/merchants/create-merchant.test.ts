import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { callUnary, fromServiceError } from '@centra/service-kit/grpc.ts';
import type { CreateMerchantRequest, Merchant } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { AS_REGISTERED, GRPC, callOptions, hotel, startTestMerchant } from '../test-service.ts';
import type { TestMerchant } from '../test-service.ts';
import { isAllowedOrigin } from './merchant.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

const create = async (wanted: CreateMerchantRequest, caller = 'operator'): Promise<Merchant> => {
  const client = service.client(caller);
  return await callUnary(client.createMerchant.bind(client), wanted, callOptions());
};

test('a hotel is stored as given and answered the same', async () => {
  const wanted = hotel({ allowedOrigins: ['https://book.riad-atlas.example', 'http://localhost:3000'] });
  const created = await create(wanted);
  assert.deepEqual(created, {
    ...wanted,
    allowedOrigins: ['http://localhost:3000', 'https://book.riad-atlas.example'],
    ...AS_REGISTERED,
  });
  const [row] = await service.sql(
    'select name, country, time_zone, default_currency from merchants where merchant_id = $1',
    [wanted.merchantId],
  );
  assert.deepEqual(row, {
    name: 'Riad Atlas',
    country: 'MA',
    time_zone: 'Africa/Casablanca',
    default_currency: 'MAD',
  });
});

test('repeated with the same data, in any order and id spelling, it registers one hotel and one history row', async () => {
  const wanted = hotel({ allowedOrigins: ['https://a.example', 'https://b.example'] });
  const first = await create(wanted);
  const again = {
    ...wanted,
    merchantId: wanted.merchantId.toUpperCase(),
    allowedOrigins: ['https://b.example', 'https://a.example'],
  };
  assert.deepEqual(await create(again), first);
  const events = await service.sql('select action, actor from audit_events where merchant_id = $1', [
    wanted.merchantId,
  ]);
  assert.deepEqual(events, [{ action: 'merchant.created', actor: 'service:operator' }]);
});

test('eight registrations at once register one hotel', async () => {
  const wanted = hotel({ allowedOrigins: ['https://a.example'] });
  const answers = await Promise.all(Array.from({ length: 8 }, () => create(wanted)));
  for (const answer of answers) assert.deepEqual(answer, { ...wanted, ...AS_REGISTERED });
  const rows = await service.sql('select count(*)::int as count from audit_events where merchant_id = $1', [
    wanted.merchantId,
  ]);
  assert.deepEqual(rows, [{ count: 1 }]);
});

test('repeated with other data it is a state_conflict and changes nothing', async () => {
  const wanted = hotel({ allowedOrigins: ['https://a.example'] });
  await create(wanted);
  const changes: Partial<CreateMerchantRequest>[] = [
    { name: 'Other' },
    { country: 'FR' },
    { timeZone: 'Europe/Paris' },
    { defaultCurrency: 'EUR' },
    { allowedOrigins: [] },
    { allowedOrigins: ['https://a.example', 'https://b.example'] },
  ];
  for (const change of changes)
    await assert.rejects(create({ ...wanted, ...change }), (error) => {
      assert.equal(fromServiceError(error).code, 'state_conflict', JSON.stringify(change));
      return true;
    });
  assert.deepEqual(await create(wanted), { ...wanted, ...AS_REGISTERED });
});

describe('INVALID_ARGUMENT naming the field', () => {
  const cases: [string, Partial<CreateMerchantRequest>, string][] = [
    ['an id that is no UUID', { merchantId: 'mer_1' }, 'merchantId'],
    ['an empty name', { name: '  ' }, 'name'],
    ['a name of 201 characters', { name: 'x'.repeat(201) }, 'name'],
    ['a line break in the name', { name: 'Riad\nAtlas' }, 'name'],
    ['a bidirectional override in the name', { name: 'Riad \u202eAtlas' }, 'name'],
    ['a lower-case country', { country: 'ma' }, 'country'],
    ['a withdrawn country', { country: 'SU' }, 'country'],
    ['an alias of a country', { country: 'UK' }, 'country'],
    ['a grouping that is no country', { country: 'EU' }, 'country'],
    ['an unknown country', { country: 'QX' }, 'country'],
    ['an unknown time zone', { timeZone: 'Africa/Atlantis' }, 'timeZone'],
    ['an offset instead of a time zone', { timeZone: '+01:00' }, 'timeZone'],
    ['a time zone in the wrong case', { timeZone: 'africa/casablanca' }, 'timeZone'],
    ['a lower-case currency', { defaultCurrency: 'mad' }, 'defaultCurrency'],
    ['a currency that is none', { defaultCurrency: 'XXX' }, 'defaultCurrency'],
    ['a plain-http origin', { allowedOrigins: ['http://book.example'] }, 'allowedOrigins.0'],
    ['an origin with a path', { allowedOrigins: ['https://book.example/'] }, 'allowedOrigins.0'],
    ['a wildcard origin', { allowedOrigins: ['https://*.example'] }, 'allowedOrigins.0'],
    ['an origin with its default port', { allowedOrigins: ['https://book.example:443'] }, 'allowedOrigins.0'],
    ['an origin with upper case', { allowedOrigins: ['https://Book.example'] }, 'allowedOrigins.0'],
    ['an origin with a user', { allowedOrigins: ['https://me@book.example'] }, 'allowedOrigins.0'],
    ['the null origin', { allowedOrigins: ['null'] }, 'allowedOrigins.0'],
    ['an origin twice', { allowedOrigins: ['https://a.example', 'https://a.example'] }, 'allowedOrigins'],
    [
      '21 origins',
      { allowedOrigins: Array.from({ length: 21 }, (_, n) => `https://a${n}.example`) },
      'allowedOrigins',
    ],
  ];
  for (const [what, change, field] of cases)
    test(what, async () => {
      await assert.rejects(create(hotel(change)), (error) => {
        const refusal = fromServiceError(error);
        assert.equal(refusal.code, 'validation_failed');
        assert.deepEqual(
          refusal.errors.map((item) => item.field),
          [field],
        );
        return true;
      });
    });

  test('a card number in the name, which the refusal does not repeat', async () => {
    await assert.rejects(create(hotel({ name: 'Riad 4242 4242 4242 4242' })), (error) => {
      const refusal = fromServiceError(error);
      assert.equal(refusal.code, 'card_data_not_allowed');
      assert.doesNotMatch(JSON.stringify(refusal), /4242/);
      return true;
    });
  });
});

test('in production a plain-http origin of the own machine is refused too', () => {
  const origins = ['http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:3000'];
  for (const origin of origins) {
    assert.equal(isAllowedOrigin(origin, false), true, origin);
    assert.equal(isAllowedOrigin(origin, true), false, origin);
  }
  assert.equal(isAllowedOrigin('https://book.example', true), true);
});

test('every service but the operator is refused', async () => {
  for (const caller of ['api-gateway', 'auth', 'merchant', 'payment-api', 'transaction'])
    await assert.rejects(create(hotel(), caller), { code: GRPC.PERMISSION_DENIED }, caller);
});
