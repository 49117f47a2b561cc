import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { z } from 'zod';
import { asCaller, newCaller, newHotel, startTestMerchant } from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';
import { withChecksum } from './chain-address.ts';
import { providerSchema } from './list-providers.ts';
import { PROVIDERS } from './providers.ts';

let service: TestMerchant;
let caller: Caller;
before(async () => {
  service = await startTestMerchant();
  ({ caller } = await newCaller(service));
});
after(() => service.close());

const listed = async () => {
  const { body } = await caller.get('/v1/providers').expect(200);
  return z.object({ data: z.array(providerSchema) }).parse(body).data;
};

describe('GET /v1/providers', () => {
  test('describes every provider so that a form can be drawn from it alone', async () => {
    const providers = await listed();
    assert.deepEqual(
      providers.map(({ name }) => name),
      ['stripe', 'paypal', 'payzone', 'cmi', 'tempo', 'vaultera', 'simulator'],
    );
    for (const { name, label, help, modes, fields } of providers) {
      assert.ok(label !== '' && help !== '' && modes.length > 0, name);
      for (const field of fields) {
        assert.ok(field.label !== '' && field.help.length > 20 && field.shape !== '', field.name);
        assert.ok(field.max_length >= 1 && field.max_length <= 512, field.name);
        assert.equal(field.input === 'password', field.secret, `${name}.${field.name}`);
        assert.equal(field.input === 'select', field.options !== null, field.name);
        assert.ok(new RegExp(field.pattern), field.name);
        for (const option of field.options ?? [])
          assert.ok(new RegExp(field.pattern).test(option.value) && option.modes.length > 0, option.label);
      }
    }
  });

  test('says honestly through which ones this release takes payments, and how guests pay', async () => {
    const facts = (await listed()).map(({ name, kind, methods, takes_payments }) => [
      name,
      kind,
      methods.join('+'),
      takes_payments,
    ]);
    assert.deepEqual(facts, [
      ['stripe', 'card_provider', 'card+card_page', true],
      ['paypal', 'wallet', 'paypal', false],
      ['payzone', 'hosted_page', 'card_page', false],
      ['cmi', 'hosted_page', 'card_page', false],
      ['tempo', 'stablecoin', 'stablecoin', false],
      ['vaultera', 'card_vault', '', false],
      ['simulator', 'card_provider', 'card+card_page', true],
    ]);
  });

  test('no field asks for a host, a URL or a private key', async () => {
    for (const { name, fields } of await listed())
      for (const field of fields) {
        assert.notEqual(field.input, 'url', `${name}.${field.name}`);
        assert.doesNotMatch(field.name, /url|host|endpoint|private/, `${name}.${field.name}`);
      }
  });

  test('401 without an identity, 403 without the permission, 400 for a query', async () => {
    const merchantId = await newHotel(service);
    const reader = asCaller(service, { merchantId, scopes: ['payments:read'] });
    await reader.get('/v1/providers').expect(403);
    await caller.get('/v1/providers?host=evil.example').expect(400);
  });
});

const PAYPAL_KEY = `A${'x'.repeat(79)}`;
const WALLET = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const ALPHA_USD = '0x20c0000000000000000000000000000000000001';

/** Per provider what works, and per field what does not. */
const FORMS: Record<
  string,
  { good: Record<string, string>; also?: object[]; bad: Record<string, string[]> }
> = {
  stripe: {
    good: {
      secret_key: 'sk_test_abcdefgh1',
      publishable_key: 'pk_test_abcdefgh1',
      webhook_secret: 'whsec_abcdefgh',
    },
    also: [{ secret_key: 'rk_test_abcdefgh1' }],
    bad: {
      secret_key: [
        '',
        'sk_test_',
        'pk_test_abcdefgh1',
        'sk_prod_abcdefgh1',
        'sk_test_abc defgh',
        `sk_test_${'a'.repeat(300)}`,
      ],
      publishable_key: ['sk_test_abcdefgh1', 'pk_test_'],
      webhook_secret: ['whsec_', 'secret'],
    },
  },
  paypal: {
    good: {
      client_id: PAYPAL_KEY,
      client_secret: `E${'-_9'.repeat(26)}`,
      webhook_id: '8PT597110X687430LKGECATA',
    },
    bad: {
      client_id: ['', 'A', 'x'.repeat(129), `${'x'.repeat(40)}!`, 'hotel@example.com'],
      client_secret: ['', 'E'.repeat(39), `${'x'.repeat(40)}:`],
      webhook_id: ['WEBHOOK-ID', 'abc', 'https://evil.example'],
    },
  },
  payzone: {
    good: {
      merchant_account: 'riad.demo-1',
      caller_name: 'riad_api',
      caller_password: 'p@ss/word+1',
      paywall_secret_key: 'paywall-secret',
      notification_key: 'notification-key',
    },
    bad: {
      merchant_account: ['', 'a b', 'x'.repeat(65), 'https://evil.example', 'a\r\nX-Evil: 1'],
      caller_name: ['', 'a b', 'é', 'x'.repeat(65)],
      caller_password: ['short', 'has a space in it', 'x'.repeat(256)],
      paywall_secret_key: ['short'],
      notification_key: ['short'],
    },
  },
  cmi: {
    good: {
      client_id: '600000001',
      store_key: 'Store-Key1',
      api_user: 'riad_api',
      api_password: 'p@ss<word>',
    },
    bad: {
      client_id: ['', '12345', '6000000000000000', '60000000a', 'https://evil.example'],
      store_key: ['abc', 'a b c d'],
      api_user: ['', 'a b'],
      api_password: ['abc', 'x'.repeat(65)],
    },
  },
  tempo: {
    good: { receiving_address: WALLET, token: ALPHA_USD },
    also: [
      { receiving_address: WALLET.toLowerCase() },
      { receiving_address: `0x${WALLET.slice(2).toUpperCase()}` },
      { token: '0x20c0000000000000000000000000000000000000' },
    ],
    bad: {
      receiving_address: [
        '',
        WALLET.slice(2),
        `${WALLET}0`,
        WALLET.replace('A', 'a'),
        `0x${'0'.repeat(40)}`,
        ALPHA_USD,
        `0xfeec${'0'.repeat(36)}`,
        'vitalik.eth',
      ],
      token: ['USDC', WALLET, '0x20c0000000000000000000000000000000000009'],
    },
  },
  vaultera: {
    good: { api_key: '0123456789abcdefABCDEF0123456789' },
    bad: { api_key: ['', '0123', `${'0'.repeat(31)}g`, '0'.repeat(33)] },
  },
  simulator: { good: {}, bad: {} },
};

const tried = async (provider: string, credentials: object) =>
  await caller.post('/v1/provider-accounts/test').send({ provider, credentials });

describe('the fields of each provider', () => {
  test('the table covers every provider and every field', () => {
    for (const { name, fields } of PROVIDERS) {
      const form = FORMS[name];
      assert.ok(form !== undefined, name);
      for (const field of fields) {
        assert.ok(field.name in form.good, `${name}.${field.name}`);
        assert.ok((form.bad[field.name] ?? []).length > 0, `${name}.${field.name}`);
      }
    }
  });

  for (const [provider, { good, also = [], bad }] of Object.entries(FORMS)) {
    test(`${provider}: good values are sent to the provider as they are`, async () => {
      for (const change of [{}, ...also]) {
        const { status, body } = await tried(provider, { ...good, ...change });
        assert.deepEqual([status, body.result], [200, 'ok'], JSON.stringify(body));
        assert.deepEqual(service.transaction.asked.at(-1)?.credentials, { ...good, ...change });
      }
    });

    test(`${provider}: a bad value is 400 by the field's name, never repeated, and nobody is asked`, async () => {
      const asked = service.transaction.asked.length;
      for (const [field, values] of Object.entries(bad))
        for (const value of values) {
          const { status, body } = await tried(provider, { ...good, [field]: value });
          assert.equal(status, 400, `${field}: ${value}`);
          assert.deepEqual(
            z
              .array(z.object({ field: z.string() }))
              .parse(body.errors)
              .map((error) => error.field),
            [`credentials.${field}`],
          );
          // Shorter ones are in the words of the rule itself.
          if (value.length > 12) assert.ok(!JSON.stringify(body.errors).includes(value), value);
        }
      assert.equal(service.transaction.asked.length, asked);
    });

    for (const field of Object.keys(good))
      test(`${provider}.${field}: what was pasted along is named, not just refused`, async () => {
        for (const value of [
          ` ${good[field]}`,
          `${good[field]}\n`,
          `\ufeff${good[field]}`,
          `${good[field]}\u200b`,
        ]) {
          const { body } = await tried(provider, { ...good, [field]: value }).then((reply) => reply);
          assert.match(JSON.stringify(body.errors), /space or line break before or after/, field);
        }
      });
  }

  test('a field of no provider, such as a host, is 400 and nobody is asked', async () => {
    const asked = service.transaction.asked.length;
    for (const field of ['host', 'url', 'api_url', 'base_url', 'path', 'headers']) {
      const { status } = await tried('paypal', { ...FORMS['paypal']?.good, [field]: 'http://10.0.0.1' });
      assert.equal(status, 400, field);
      const body = { provider: 'paypal', credentials: FORMS['paypal']?.good, [field]: 'http://10.0.0.1' };
      await caller.post('/v1/provider-accounts/test').send(body).expect(400);
    }
    assert.equal(service.transaction.asked.length, asked);
  });

  test('a token of the other network is told apart before anything is sent', async () => {
    const asked = service.transaction.asked.length;
    const live = '0x20C000000000000000000000b9537d11c60E8b50';
    const { body } = await tried('tempo', { receiving_address: WALLET, token: live });
    assert.equal(body.result, 'wrong_mode');
    assert.match(body.message, /token holds a live choice/);
    assert.equal(service.transaction.asked.length, asked);
  });
});

describe('an account of another kind never becomes where a card token goes', () => {
  for (const provider of ['paypal', 'payzone', 'cmi', 'tempo'] as const)
    test(`${provider}: connected as the only account, and as the default, card payments still have none`, async () => {
      const own = await newCaller(service);
      const { body } = await own.caller
        .post('/v1/provider-accounts')
        .send({ provider, credentials: FORMS[provider]?.good, default: true })
        .expect(201);
      assert.ok(!['card_provider', 'card_vault'].includes(String(body.kind)));
      const [row] = await service.sql(
        `select count(*)::int as count from provider_accounts where merchant_id = $1 and is_default
          and kind in ('card_provider', 'card_vault')`,
        [own.merchantId],
      );
      assert.deepEqual(row, { count: 0 });
      const card = await own.caller
        .post('/v1/provider-accounts')
        .send({ provider: 'simulator', credentials: {} })
        .expect(201);
      assert.equal(card.body.default, true);
      const again = await own.caller.get(`/v1/provider-accounts/${String(body.id)}`).expect(200);
      assert.equal(again.body.default, true);
    });
});

test('a statement text that the provider does not take is 422, at connecting and at rotating', async () => {
  const { merchantId, caller: own } = await newCaller(service);
  const connect = () =>
    own.post('/v1/provider-accounts').send({ provider: 'paypal', credentials: FORMS['paypal']?.good });
  const describeAs = async (text: string | null) =>
    await service.sql(`update merchants set statement_descriptor = $2 where merchant_id = $1`, [
      merchantId,
      text,
    ]);
  await describeAs('RIAD & SPA');
  const { body } = await connect().expect(422);
  assert.equal(body.code, 'descriptor_not_allowed');
  await describeAs('RIAD ATLAS');
  const { body: account } = await connect().expect(201);
  await describeAs('RIAD & SPA');
  const rotated = await own
    .post(`/v1/provider-accounts/${String(account.id)}/rotate`)
    .send({ credentials: { client_secret: PAYPAL_KEY } })
    .expect(422);
  assert.equal(rotated.body.code, 'descriptor_not_allowed');
  assert.equal((await own.get(`/v1/provider-accounts/${String(account.id)}`)).body.version, 1);
});

test('the checksum of an address is that of EIP-55', () => {
  for (const address of [
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
    '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
    '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
  ])
    assert.equal(withChecksum(address.toLowerCase()), address);
});
