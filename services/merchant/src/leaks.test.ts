import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { CredentialCheck } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError, toProblem } from '@centra/service-kit/errors.ts';
import { destroyDrainedSecrets } from './provider-accounts/destroy-drained-secrets.ts';
import { maintainDataKeys } from './provider-accounts/maintain-data-keys.ts';
import { parseCredentials } from './provider-accounts/credentials.ts';
import { providerNamed } from './provider-accounts/providers.ts';
import { keyringSchema } from '@centra/service-kit/keyring.ts';
import { currentDataKey } from './sealing/data-key.ts';
import { startMain } from './test-process.ts';
import {
  asCaller,
  connectStripe,
  everyCredentialWorks,
  newCaller,
  openAccount,
  startTestMerchant,
  stripeKey,
} from './test-service.ts';
import type { TestMerchant } from './test-service.ts';

let service: TestMerchant;
before(async () => {
  service = await startTestMerchant();
});
after(() => service.close());

/** The spellings under which a secret could lie somewhere. Base64 shifts with the bytes before, so all three are tried. */
function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift, 'x'), bytes]).toString('base64');
    // The first and last letters mix with the neighbours.
    return shifted.slice(4, -4);
  });
  const urlSafe = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [secret, bytes.toString('hex'), encodeURIComponent(secret), ...base64, ...urlSafe];
}

async function everyRowAsText(): Promise<string> {
  const tables = await service.sql(
    `select quote_ident(relname) as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
  );
  const texts: string[] = [];
  for (const { name } of tables)
    for (const { row } of await service.sql(`select t::text as row from ${String(name)} as t`))
      texts.push(String(row));
  return texts.join('\n');
}

/** Secrets that went through every path: accepted, rejected, replaced, deleted, sealed again, opened, tested. */
async function useSecrets(): Promise<string[]> {
  const { merchantId, caller } = await newCaller(service);
  const secrets = [stripeKey(), stripeKey(), stripeKey(), '0f1e2d3c4b5a69788796a5b4c3d2e1f0'];
  const [first = '', second = '', rejected = '', vault = ''] = secrets;
  const id = await connectStripe(caller, first);
  await caller
    .post('/v1/provider-accounts')
    .send({ provider: 'vaultera', credentials: { api_key: vault } })
    .expect(201);
  service.transaction.answerWith(() => ({ result: CredentialCheck.CREDENTIAL_CHECK_REJECTED }));
  await caller
    .post('/v1/provider-accounts')
    .send({ provider: 'stripe', credentials: { secret_key: rejected } })
    .expect(422);
  service.transaction.answerWith(everyCredentialWorks);
  await caller
    .post(`/v1/provider-accounts/${id}/rotate`)
    .send({ credentials: { secret_key: second } })
    .expect(200);
  await caller.post(`/v1/provider-accounts/${id}/test`).send({}).expect(200);
  assert.equal((await openAccount(service, { merchantId })).credentials['secret_key'], second);
  await service.sql(`update data_keys set created_at = now() - interval '91 days' where merchant_id = $1`, [
    merchantId,
  ]);
  await maintainDataKeys(service.service.context);
  await caller.delete(`/v1/provider-accounts/${id}`).expect(200);
  await destroyDrainedSecrets(service.service.context);
  return secrets;
}

test('no secret and no key is in any row of any table, in any spelling', async () => {
  const secrets = await useSecrets();
  const { merchantId, caller } = await newCaller(service);
  await connectStripe(caller);
  const dataKey = (await currentDataKey(service.service.context, merchantId)).key.export();
  const keyring = keyringSchema.parse(JSON.parse(readFileSync(service.config.keyringFile, 'utf8')));
  const masterKey = Buffer.from(keyring.keys['k1'] ?? '', 'base64');
  assert.deepEqual([dataKey.length, masterKey.length], [32, 32]);
  const rows = await everyRowAsText();
  assert.match(rows, /v1\.[\w-]{16}\./, 'the sealed values are among what is looked at');
  for (const secret of secrets)
    for (const spelling of spellings(secret)) assert.ok(!rows.includes(spelling), spelling);
  for (const key of [dataKey, masterKey])
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      assert.ok(!rows.includes(key.toString(encoding).slice(0, 40)), encoding);
});

test('the look-out itself would see a secret', async () => {
  const { merchantId } = await newCaller(service);
  const canary = stripeKey();
  await service.sql('update merchants set name = $2 where merchant_id = $1', [merchantId, canary]);
  assert.ok((await everyRowAsText()).includes(canary));
  await service.sql(`update merchants set name = encode($2::bytea, 'base64') where merchant_id = $1`, [
    merchantId,
    Buffer.from(`ab${canary}`),
  ]);
  const rows = await everyRowAsText();
  assert.ok(spellings(canary).some((spelling) => rows.includes(spelling)));
  await service.sql(`update merchants set name = 'Riad' where merchant_id = $1`, [merchantId]);
});

describe('a parsed secret prints as [redacted]', () => {
  const secret = 'sk_test_canaryNeverPrinted';
  const credentials = parseCredentials(providerNamed('stripe'), { secret_key: secret });
  const parsed = credentials.secrets['secret_key'];
  const prints: [string, () => string][] = [
    ['JSON', () => JSON.stringify(credentials)],
    ['inspect', () => inspect(credentials, { depth: 10, showHidden: true })],
    ['a template', () => `key ${String(parsed)}`],
    ['a spread', () => inspect({ ...credentials.secrets })],
    [
      'an error’s message and cause',
      () => inspect(new Error(`failed with ${String(parsed)}`, { cause: credentials })),
    ],
    [
      'a refusal’s document',
      () => JSON.stringify(toProblem(new AppError('internal', { extra: { credentials } }), 'req_1')),
    ],
  ];
  for (const [what, print] of prints)
    test(what, () => {
      assert.ok(!print().includes('canary'));
      assert.match(print(), /\[redacted\]/);
    });
});

test('a running process at the most talkative level logs no secret, refusals and faults included, and stops cleanly', async () => {
  const { merchantId } = await newCaller(service);
  const main = await startMain(service);
  const secrets = [stripeKey(), stripeKey('live'), 'sk_test_canary wrong shape', stripeKey()];
  try {
    const caller = asCaller(
      { ...service, service: { ...service.service, httpPort: main.httpPort } },
      { merchantId },
    );
    const [good = '', otherMode = '', misshapen = '', lost = ''] = secrets;
    await connectStripe(caller, good);
    const send = (secret: string) =>
      caller.post('/v1/provider-accounts').send({ provider: 'stripe', credentials: { secret_key: secret } });
    await send(otherMode).expect(422);
    await send(misshapen).expect(400);
    service.transaction.answerWith(() => ({ result: CredentialCheck.CREDENTIAL_CHECK_UNSPECIFIED }));
    await send(lost).expect(500);
    service.transaction.answerWith(everyCredentialWorks);
    await service.sql(
      `update provider_account_versions set sealed_fields = '{"secret_key":"v1.AAAA.AAAA.AAAA"}' where merchant_id = $1`,
      [merchantId],
    );
    const [account] = (await caller.get('/v1/provider-accounts').expect(200)).body.data;
    await caller.post(`/v1/provider-accounts/${account.id}/test`).send({}).expect(500);
  } finally {
    assert.equal(await main.stop(), 0, main.output());
  }
  assert.match(main.output(), /merchant is up/);
  assert.match(main.output(), /request failed/);
  assert.match(main.output(), /sealed credentials do not open/);
  for (const secret of secrets)
    for (const spelling of spellings(secret)) assert.ok(!main.output().includes(spelling), spelling);
});
