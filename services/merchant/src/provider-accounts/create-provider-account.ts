import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, identityOf, parseWith } from '@centra/service-kit/http.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Actor } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { AccountVersionEntity, ProviderAccountEntity } from '../entities.ts';
import type { Mode } from '../entities.ts';
import { plainText } from '../plain-text.ts';
import type { DataKey } from '../sealing/data-key.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { checkCredentials, refuseUnlessOk } from './check-credentials.ts';
import type { CredentialsCheck } from './check-credentials.ts';
import { keepTest } from './connection-test.ts';
import { parseCredentials } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { currentDefault, giveUpDefault } from './default-account.ts';
import { PROVIDER_NAMES, providerNamed } from './providers.ts';
import type { Provider } from './provider-form.ts';
import {
  actorOf,
  credentialsSchema,
  loadAccount,
  modeOf,
  modeSchema,
  requireDescriptorFits,
  requireProviderMode,
  toJson,
} from './provider-account.ts';
import type { Account } from './provider-account.ts';
import { keyToSeal, sealCredentials } from './sealed-credentials.ts';

export const createProviderAccountSchema = z
  .strictObject({
    provider: z.enum(PROVIDER_NAMES).meta({ example: 'stripe' }),
    mode: modeSchema.optional(),
    name: plainText(100).optional().meta({ description: 'Shown to staff; the provider’s name when absent' }),
    credentials: credentialsSchema,
    default: z.boolean().optional().meta({
      description:
        'Use it for payments that name no account. The first account of its kind and mode always is.',
    }),
  })
  .meta({ id: 'CreateProviderAccount' });

// A hotel has a handful; a hundred is a script gone wrong.
const ACCOUNTS_MAX = 100;

/** POST /v1/provider-accounts: asks the provider first, and stores only credentials that work. */
export async function createProviderAccount(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const body = parseWith(createProviderAccountSchema, request.body);
  const identity = identityOf(request);
  const mode = modeOf(identity, body.mode);
  requireProviderMode(body.provider, mode);
  const provider = providerNamed(body.provider);
  const credentials = parseCredentials(provider, body.credentials);

  const { requestId } = contextOf(request);
  const check = await checkCredentials(context, requestId, provider, mode, credentials);
  refuseUnlessOk(check);
  const dataKey = await keyToSeal(context, identity.merchantId, credentials);

  const wanted = {
    mode,
    name: body.name ?? provider.label,
    default: body.default ?? false,
    provider,
    credentials,
    check,
  };
  const created = await asMerchant(context, identity.merchantId, (tx) =>
    storeAccount(tx, actorOf(request), identity.merchantId, dataKey, wanted),
  );
  const json = toJson(created);
  response
    .status(201)
    .location(`/v1/provider-accounts/${String(json['id'])}`)
    .json(json);
}

type Wanted = {
  mode: Mode;
  name: string;
  default: boolean;
  provider: Provider;
  credentials: Credentials;
  check: CredentialsCheck;
};

async function storeAccount(
  tx: Transaction,
  by: Actor,
  merchantId: string,
  dataKey: DataKey | undefined,
  wanted: Wanted,
): Promise<Account> {
  await lockMerchant(tx, merchantId);
  await requireRoom(tx, merchantId);
  await requireDescriptorFits(tx, merchantId, wanted.provider);
  const isDefault = await makeWayForDefault(tx, by, merchantId, wanted);
  const { provider, mode, name } = wanted;
  const account = {
    merchantId,
    id: newUuid(),
    provider: provider.name,
    kind: provider.kind,
    mode,
    name,
    isDefault,
  };
  const row = { merchantId, providerAccountId: account.id, version: 1 };
  tx.create(ProviderAccountEntity, account);
  // Before the version, which refers to it by plain columns that the ORM does not order by.
  await tx.flush();
  tx.create(AccountVersionEntity, {
    ...row,
    ...(await sealCredentials(tx, dataKey, row, wanted.credentials)),
  });
  await tx.flush();
  await keepTest(tx, by, row, wanted.check);
  const stored = await loadAccount(tx, merchantId, account.id);
  if (stored === undefined) throw new Error('the account that was just stored is not there');
  const objectId = toPublicId('pa', account.id);
  await recordAuditEvent(tx, by, {
    merchantId,
    action: 'provider_account.created',
    objectId,
    after: toJson(stored),
  });
  return stored;
}

async function requireRoom(tx: Transaction, merchantId: string): Promise<void> {
  const active = await tx.count(ProviderAccountEntity, { merchantId, status: 'active' });
  if (active >= ACCOUNTS_MAX)
    throw new AppError('state_conflict', {
      detail: `A merchant has at most ${ACCOUNTS_MAX} provider accounts.`,
    });
}

/** Whether the new account is the default of its kind and mode; takes that from another one when asked to. */
async function makeWayForDefault(
  tx: Transaction,
  by: Actor,
  merchantId: string,
  wanted: Wanted,
): Promise<boolean> {
  const current = await currentDefault(tx, { merchantId, mode: wanted.mode, kind: wanted.provider.kind });
  if (current === null) return true;
  if (!wanted.default) return false;
  await giveUpDefault(tx, by, current);
  return true;
}
