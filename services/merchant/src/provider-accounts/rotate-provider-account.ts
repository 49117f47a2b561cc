import type { Request, Response } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { contextOf, identityOf, parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { AccountVersionEntity } from '../entities.ts';
import type { DataKey } from '../sealing/data-key.ts';
import { asMerchant, lockMerchant, readAsMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { checkCredentials, refuseUnlessOk } from './check-credentials.ts';
import { keepTest } from './connection-test.ts';
import { parseCredentials } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { drainActiveVersion } from './drain-version.ts';
import { providerNamed } from './providers.ts';
import {
  actorOf,
  loadAccount,
  requireAccount,
  requireActive,
  requireDescriptorFits,
  toJson,
} from './provider-account.ts';
import type { Account } from './provider-account.ts';
import { loadSealed } from './load-sealed.ts';
import { keyToSeal, openCredentials, sealCredentials } from './sealed-credentials.ts';

export const rotateProviderAccountSchema = z
  .strictObject({
    credentials: z
      .record(z.string().min(1).max(64), z.string().max(512).nullable())
      .refine((fields) => Object.keys(fields).length > 0, 'must name a field')
      .meta({
        description:
          'The fields to replace. One that is left out keeps its value; null removes an optional one.',
        example: { webhook_secret: 'whsec_…' },
      }),
  })
  .meta({ id: 'RotateProviderAccount' });

/**
 * POST /v1/provider-accounts/:id/rotate: the credentials with the given fields replaced become the next version once the
 * provider accepts them. The old version drains: operations begun with it can still finish.
 */
export async function rotateProviderAccount(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const body = parseWith(rotateProviderAccountSchema, request.body);
  const identity = identityOf(request);
  const { merchantId } = identity;
  const publicId = String(request.params['id']);
  const found = await readAsMerchant(context, merchantId, async (tx) => {
    const each = await requireAccount(tx, identity, publicId);
    requireActive(each);
    return each;
  });
  const { account } = found;
  const provider = providerNamed(account.provider);
  const kept = await openKept(context, found, body.credentials);
  const credentials = parseCredentials(provider, { ...kept, ...withoutNulls(body.credentials) });

  const { requestId } = contextOf(request);
  const check = await checkCredentials(context, requestId, provider, account.mode, credentials);
  refuseUnlessOk(check);
  const dataKey = await keyToSeal(context, merchantId, credentials);

  const rotated = await asMerchant(context, merchantId, async (tx) => {
    // Two rotations at once follow each other: versions n+1 and n+2, both kept.
    await lockMerchant(tx, merchantId);
    await requireDescriptorFits(tx, merchantId, provider);
    const before = await loadAccount(tx, merchantId, account.id);
    refuseStale(account.currentVersion, before, body.credentials);
    const beforeJson = before === undefined ? {} : toJson(before);
    const after = await addVersion(tx, context.config.drainHours, account, dataKey, credentials);
    const of = { merchantId, providerAccountId: account.id, version: after.version.version };
    await keepTest(tx, actorOf(request), of, check);
    const change = { before: beforeJson, after: toJson(after) };
    const action = 'provider_account.rotated';
    await recordAuditEvent(tx, actorOf(request), { merchantId, action, objectId: publicId, ...change });
    return after;
  });
  response.json(toJson(rotated));
}

type Given = z.infer<typeof rotateProviderAccountSchema>['credentials'];

/** The clear values of the fields that the request leaves out. Nothing is opened when it names every secret. */
async function openKept(
  context: Context,
  { account, version }: Account,
  given: Given,
): Promise<Record<string, string>> {
  const plain = Object.entries(version.plainFields).filter(([name]) => !(name in given));
  const secrets = Object.keys(version.secretMarks).filter((name) => !(name in given));
  const kept = Object.fromEntries(plain);
  if (secrets.length === 0) return kept;
  const sealed = await asMerchant(context, account.merchantId, (tx) =>
    loadSealed(tx, account, version.version),
  );
  const opened = await openCredentials(context, sealed);
  for (const name of secrets) kept[name] = opened.secrets[name]?.reveal() ?? '';
  return kept;
}

function withoutNulls(given: Given): Record<string, string> {
  const values = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries(values);
}

/** What was kept must be what is current now: of two rotations at once, none may undo the other's field. */
function refuseStale(versionRead: number, current: Account | undefined, given: Given): void {
  if (current === undefined || current.account.currentVersion === versionRead) return;
  const { plainFields, secretMarks } = current.version;
  const keepsAny = [...Object.keys(plainFields), ...Object.keys(secretMarks)].some(
    (name) => !(name in given),
  );
  if (keepsAny)
    throw new AppError('state_conflict', {
      detail: 'The credentials were replaced by someone else in the meantime. Send the request again.',
    });
}

async function addVersion(
  tx: Transaction,
  drainHours: number,
  { merchantId, id }: { merchantId: string; id: string },
  dataKey: DataKey | undefined,
  credentials: Credentials,
): Promise<Account> {
  const [next] = await tx.execute<{ current_version: number }[]>(
    `update provider_accounts set current_version = current_version + 1, updated_at = now()
      where merchant_id = ? and id = ? and status = 'active'
      returning current_version`,
    [merchantId, id],
  );
  // Deleted while the provider was asked.
  if (next === undefined)
    throw new AppError('state_conflict', { detail: 'This provider account is deleted.' });
  await drainActiveVersion(tx, drainHours, merchantId, id);
  const row = { merchantId, providerAccountId: id, version: next.current_version };
  tx.create(AccountVersionEntity, { ...row, ...(await sealCredentials(tx, dataKey, row, credentials)) });
  await tx.flush();
  const rotated = await loadAccount(tx, merchantId, id);
  if (rotated === undefined) throw new Error('the account that was just rotated is not there');
  return rotated;
}
