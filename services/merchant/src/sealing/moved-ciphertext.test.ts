import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { SealError } from '@centra/service-kit/seal.ts';
import {
  GRPC,
  connectStripe,
  newCaller,
  openAccount,
  startTestMerchant,
  stripeKey,
} from '../test-service.ts';
import type { Caller, TestMerchant } from '../test-service.ts';
import { asMerchant } from '../tenant.ts';
import { addSecret } from '../webhook-endpoints/add-secret.ts';
import { loadWebhookSecret, openWebhookSecret } from '../webhook-endpoints/sealed-secret.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import { newUuid } from '@centra/service-kit/ids.ts';
import { currentDataKey } from './data-key.ts';
import { startTestVault } from './test-vault.ts';
import type { TestVault } from './test-vault.ts';

// I21, security test 34: whoever may write rows must not be able to make one hotel's secret serve another.

/** A hotel with secrets of every kind, in two versions each. */
type Hotel = {
  merchantId: string;
  caller: Caller;
  accountId: string;
  endpointId: string;
  stripe: { secret_key: string; webhook_secret: string };
  webhook: string;
};

let vault: TestVault;
const services: Partial<Record<'file' | 'vault', TestMerchant>> = {};
before(async () => {
  vault = await startTestVault();
  services.file = await startTestMerchant();
  services.vault = await startTestMerchant(undefined, { masterKeys: 'vault', vault: vault.config });
});
after(async () => {
  await services.file?.close();
  await services.vault?.close();
  await vault.simulator.close();
});

async function newSecrets(service: TestMerchant): Promise<Hotel> {
  const { merchantId, caller } = await newCaller(service);
  const id = await connectStripe(caller);
  const stripe = {
    secret_key: stripeKey(),
    webhook_secret: `whsec_${'a'.repeat(12)}${newUuid().slice(0, 20)}`,
  };
  await caller.post(`/v1/provider-accounts/${id}/rotate`).send({ credentials: stripe }).expect(200);
  const { context } = service.service;
  const endpointId = newUuid();
  const webhook = new Secret(`whsec_${newUuid()}`);
  await service.sql(
    `insert into webhook_endpoints (merchant_id, id, mode, url, events) values ($1, $2, 'test', 'https://h.example/', '{*}')`,
    [merchantId, endpointId],
  );
  const dataKey = await currentDataKey(context, merchantId);
  await asMerchant(context, merchantId, async (tx) => {
    await addSecret(tx, dataKey, { merchantId, endpointId }, new Secret(`whsec_${newUuid()}`), 3600);
    await addSecret(tx, dataKey, { merchantId, endpointId }, webhook, 3600);
  });
  const accountId = fromPublicId('pa', id) ?? '';
  return { merchantId, caller, accountId, endpointId, stripe, webhook: webhook.reveal() };
}

/** What the hotel's provider credentials and webhook secret open to; undefined where they do not. */
async function openAll(
  service: TestMerchant,
  hotel: Hotel,
): Promise<{ provider: unknown; webhook: unknown }> {
  const { merchantId, endpointId } = hotel;
  const { context } = service.service;
  const provider = await openAccount(service, { merchantId }).then(
    ({ credentials }) => credentials,
    (error: unknown) => {
      assert.ok(error instanceof Error && 'code' in error && error.code === GRPC.INTERNAL, String(error));
      return undefined;
    },
  );
  const row = await asMerchant(context, merchantId, (tx) =>
    loadWebhookSecret(tx, { merchantId, endpointId, version: 2 }),
  );
  const webhook = await openWebhookSecret(context, row).then(
    (secret) => secret.reveal(),
    (error: unknown) => {
      assert.ok(error instanceof SealError, String(error));
      return undefined;
    },
  );
  return { provider, webhook };
}

type Move = {
  what: string;
  /** As the superuser; $1 and $2 are the two hotels. */
  sql: readonly string[];
  /** What must not open any more, of the first hotel. */
  breaks: readonly ('provider' | 'webhook')[];
};

const swapped = (table: string, column: string, more = 'true'): string =>
  `update ${table} as mine set ${column} = theirs.${column} from ${table} as theirs
    where ((mine.merchant_id = $1 and theirs.merchant_id = $2) or (mine.merchant_id = $2 and theirs.merchant_id = $1))
      and mine.version = theirs.version and ${more}`;
const cut = (bytes: number): string =>
  `update provider_account_versions set sealed_fields = jsonb_set(sealed_fields, '{secret_key}',
     to_jsonb(regexp_replace(sealed_fields->>'secret_key', '[^.]*$',
       left(split_part(sealed_fields->>'secret_key', '.', 4), ${Math.ceil((bytes * 8) / 6)}))))
    where merchant_id = $1 and version = 2 and $2::uuid is not null`;

const MOVES: readonly Move[] = [
  {
    what: 'a provider secret to another hotel',
    sql: [swapped('provider_account_versions', 'sealed_fields')],
    breaks: ['provider'],
  },
  {
    what: 'a webhook secret to another hotel',
    sql: [swapped('webhook_endpoint_secrets', 'sealed')],
    breaks: ['webhook'],
  },
  {
    what: 'a wrapped data key to another hotel',
    sql: [swapped('data_keys', 'wrapped')],
    breaks: ['provider', 'webhook'],
  },
  {
    what: 'values and wrapped data key together to another hotel',
    sql: [
      swapped('data_keys', 'wrapped'),
      swapped('provider_account_versions', 'sealed_fields'),
      swapped('webhook_endpoint_secrets', 'sealed'),
    ],
    breaks: ['provider', 'webhook'],
  },
  {
    what: 'a provider secret to another field',
    sql: [
      `update provider_account_versions set sealed_fields = jsonb_build_object(
         'secret_key', sealed_fields->'webhook_secret', 'webhook_secret', sealed_fields->'secret_key')
        where merchant_id = $1 and version = 2 and $2::uuid is not null`,
    ],
    breaks: ['provider'],
  },
  {
    what: 'a provider secret to another version',
    sql: [
      `update provider_account_versions as mine set sealed_fields = theirs.sealed_fields
         from provider_account_versions as theirs
        where mine.merchant_id = $1 and theirs.merchant_id = $1 and mine.version = 2 and theirs.version = 1
          and $2::uuid is not null`,
    ],
    breaks: ['provider'],
  },
  {
    what: 'a webhook secret to another version',
    sql: [
      `update webhook_endpoint_secrets as mine set sealed = theirs.sealed from webhook_endpoint_secrets as theirs
        where mine.merchant_id = $1 and theirs.merchant_id = $1 and mine.version = 2 and theirs.version = 1
          and $2::uuid is not null`,
    ],
    breaks: ['webhook'],
  },
  {
    what: 'a provider secret into a webhook secret’s place',
    sql: [
      `update webhook_endpoint_secrets set sealed = (select sealed_fields->>'webhook_secret'
         from provider_account_versions where merchant_id = $1 and version = 2)
        where merchant_id = $1 and version = 2 and $2::uuid is not null`,
    ],
    breaks: ['webhook'],
  },
  {
    what: 'a wrapped data key to another master key',
    sql: [
      `update data_keys set master_key_id = master_key_id || 'x' where merchant_id = $1 and $2::uuid is not null`,
    ],
    breaks: ['provider', 'webhook'],
  },
  {
    what: 'a wrapped data key cut short',
    sql: [`update data_keys set wrapped = left(wrapped, -6) where merchant_id = $1 and $2::uuid is not null`],
    breaks: ['provider', 'webhook'],
  },
  {
    what: 'a wrapped data key with a letter changed',
    sql: [
      `update data_keys set wrapped = overlay(wrapped placing
         case substring(wrapped from 40 for 1) when 'A' then 'B' else 'A' end from 40)
        where merchant_id = $1 and $2::uuid is not null`,
    ],
    breaks: ['provider', 'webhook'],
  },
  ...[12, 8, 4].map((bytes): Move => ({
    what: `a tag cut to ${bytes} bytes`,
    sql: [cut(bytes)],
    breaks: ['provider'],
  })),
];

for (const kind of ['file', 'vault'] as const)
  describe(`moved or cut, the master key in ${kind}: it does not open, that is counted, and nobody gets another’s`, () => {
    for (const { what, sql, breaks } of MOVES)
      test(what, async () => {
        const service = services[kind];
        assert.ok(service);
        const [mine, theirs] = [await newSecrets(service), await newSecrets(service)];
        const right = { provider: mine.stripe, webhook: mine.webhook };
        assert.deepEqual(await openAll(service, mine), right, 'it opens before');
        const failures = await failuresOf(service);
        for (const statement of sql) await service.sql(statement, [mine.merchantId, theirs.merchantId]);
        const found = await openAll(service, mine);
        for (const part of ['provider', 'webhook'] as const)
          assert.deepEqual(found[part], breaks.includes(part) ? undefined : right[part], part);
        assert.equal((await failuresOf(service)) - failures, breaks.length);
        const other = await openAll(service, theirs);
        assert.ok(
          other.provider === undefined || JSON.stringify(other.provider) === JSON.stringify(theirs.stripe),
        );
        assert.ok(other.webhook === undefined || other.webhook === theirs.webhook);
      });
  });

async function failuresOf({ service }: TestMerchant): Promise<number> {
  const metric = service.context.metrics.registry.getSingleMetric('centra_merchant_unseal_failures_total');
  return (await metric?.get())?.values[0]?.value ?? 0;
}
