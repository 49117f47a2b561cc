import { defineEntity, p, sql } from '@mikro-orm/core';
import type { InferEntity } from '@mikro-orm/core';

export type Mode = 'test' | 'live';
/** What an account is for. Only a `card_provider` is ever sent a card token. */
export const ACCOUNT_KINDS = ['card_provider', 'card_vault', 'wallet', 'stablecoin', 'hosted_page'] as const;
export type AccountKind = (typeof ACCOUNT_KINDS)[number];

/** What of a secret may be shown for ever: enough to recognise it, too little to use it. */
export type SecretMark = { last4: string | null; fingerprint: string };

/** The last time someone tested a saved account. */
export type LastTest = {
  result: string;
  message: string;
  account_name: string | null;
  version: number;
  tested_at: string;
};

export const ProviderAccountEntity = defineEntity({
  name: 'ProviderAccount',
  tableName: 'provider_accounts',
  properties: {
    merchantId: p.uuid().primary(),
    id: p.uuid().primary(),
    provider: p.text(),
    kind: p.enum(ACCOUNT_KINDS),
    mode: p.enum(['test', 'live'] as const),
    name: p.text(),
    isDefault: p.boolean(),
    status: p.enum(['active', 'deleted'] as const).default('active'),
    currentVersion: p.integer().default(1),
    lastTest: p.json<LastTest>().nullable(),
    createdAt: p.datetime().default(sql.now()),
    updatedAt: p.datetime().default(sql.now()),
    deletedAt: p.datetime().nullable(),
  },
});
export type ProviderAccountRow = InferEntity<typeof ProviderAccountEntity>;

export const AccountVersionEntity = defineEntity({
  name: 'AccountVersion',
  tableName: 'provider_account_versions',
  properties: {
    merchantId: p.uuid().primary(),
    providerAccountId: p.uuid().primary(),
    version: p.integer().primary(),
    plainFields: p.json<Record<string, string>>(),
    secretMarks: p.json<Record<string, SecretMark>>(),
    // Lazy, so never part of a read by the ORM: the role of reads may not even select them.
    sealedFields: p.json<Record<string, string>>().nullable().lazy(),
    dataKeyVersion: p.integer().nullable().lazy(),
    state: p.enum(['active', 'draining', 'destroyed'] as const).default('active'),
    drainsUntil: p.datetime().nullable(),
    createdAt: p.datetime().default(sql.now()),
  },
});
export type AccountVersionRow = InferEntity<typeof AccountVersionEntity>;

/** The explicit list the ORM loads. */
export const entities = [ProviderAccountEntity, AccountVersionEntity];
