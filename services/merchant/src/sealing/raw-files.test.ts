import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSecretKey } from 'node:crypto';
import { keyringSchema } from '@centra/service-kit/keyring.ts';
import { createLeakScanner, filesBelow } from '@centra/testkit/leak-scan.ts';
import type { Canary } from '@centra/testkit/leak-scan.ts';
import { maintainDataKeys } from '../provider-accounts/maintain-data-keys.ts';
import { createEndpoint, startWebhooks } from '../webhook-endpoints/test-webhooks.ts';
import type { Webhooks } from '../webhook-endpoints/test-webhooks.ts';
import { asCaller, connectStripe, stripeKey } from '../test-service.ts';
import { currentDataKey } from './data-key.ts';

// Failure 56 and I24 for what is on disk: a stolen disk, snapshot or write-ahead log gives nothing away.

let webhooks: Webhooks;
before(async () => {
  webhooks = await startWebhooks();
});
after(() => webhooks.close());

const PLAIN = 'plaincanary4711';

test('no credential, webhook secret or key is in the raw table files or the write-ahead log, in any spelling', async () => {
  const { test: service } = webhooks;
  const { merchantId, caller: byEndpoint } = await webhooks.newHotel();
  const caller = asCaller(service, { merchantId });
  const [first, second] = [stripeKey(), stripeKey()];
  const providerWebhook = 'whsec_rawfilescanary0123456789abcd';
  const vaultKey = '5ec1e7c0ffee4711a0b1c2d3e4f50617';
  const id = await connectStripe(caller, first, { name: PLAIN });
  const credentials = { secret_key: second, webhook_secret: providerWebhook };
  await caller.post(`/v1/provider-accounts/${id}/rotate`).send({ credentials }).expect(200);
  await caller
    .post('/v1/provider-accounts')
    .send({ provider: 'vaultera', credentials: { api_key: vaultKey } })
    .expect(201);
  const { id: endpointId, secret: endpointSecret } = await createEndpoint(byEndpoint);
  const rotated = await byEndpoint
    .post(`/v1/webhook-endpoints/${endpointId}/rotate-secret`)
    .send({})
    .expect(200);
  const { context } = service.service;
  const oldKey = (await currentDataKey(context, merchantId)).key;
  await service.sql(`update data_keys set created_at = now() - interval '91 days' where merchant_id = $1`, [
    merchantId,
  ]);
  while ((await maintainDataKeys(context)).more);
  const newKey = (await currentDataKey(context, merchantId)).key;
  assert.ok(!newKey.equals(oldKey), 'everything was sealed twice');
  const keyring = keyringSchema.parse(JSON.parse(readFileSync(service.config.keyringFile, 'utf8')));
  const masterKey = createSecretKey(Buffer.from(keyring.keys['k1'] ?? '', 'base64'));
  const webhookSecrets: [string, string][] = [
    ['webhook secret', endpointSecret],
    ['replaced webhook secret', String(rotated.body.secret)],
  ];

  const canaries: Canary[] = [
    ...Object.entries({ first, second, providerWebhook, vaultKey }).map(([name, value]): Canary => ({
      name,
      kind: 'secret',
      value,
    })),
    ...webhookSecrets.flatMap(([name, value]): Canary[] => [
      { name, kind: 'secret', value },
      // The bytes that sign stand in it as base64.
      {
        name: `bytes of the ${name}`,
        kind: 'secret',
        value: Buffer.from(value.slice('whsec_'.length), 'base64'),
      },
    ]),
    ...Object.entries({ oldKey, newKey, masterKey }).map(([name, key]): Canary => ({
      name,
      kind: 'secret',
      value: key.export(),
    })),
  ];
  await service.sql('checkpoint');
  const files = await rawFiles();
  const scanner = createLeakScanner(canaries);
  assert.deepEqual(
    files.flatMap((file) => scanner.scanFile(file)),
    [],
  );
  // The scan itself can see: a name that is no secret is in the table files and in the log.
  const control = createLeakScanner([{ name: 'account name', kind: 'secret', value: PLAIN }]);
  const seen = files.filter((file) => control.scanFile(file).length > 0);
  assert.ok(
    seen.some((file) => file.includes('/base/')),
    'the table files are scanned',
  );
  assert.ok(
    seen.some((file) => file.includes('/pg_wal/')),
    'the write-ahead log is scanned',
  );
});

async function rawFiles(): Promise<string[]> {
  const { test: service } = webhooks;
  const [row] = await service.sql(
    `select current_setting('data_directory') as folder,
            (select oid from pg_database where datname = current_database())::text as oid`,
  );
  const folder = String(row?.['folder']);
  return [join(folder, 'base', String(row?.['oid'])), join(folder, 'pg_wal')].flatMap((below) =>
    filesBelow(below),
  );
}
