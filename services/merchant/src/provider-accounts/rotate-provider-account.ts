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
import { parseCredentials } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { drainActiveVersion } from './drain-version.ts';
import { providerNamed } from './providers.ts';
import {
  actorOf,
  credentialsSchema,
  loadAccount,
  requireAccount,
  requireActive,
  toJson,
} from './provider-account.ts';
import type { Account } from './provider-account.ts';
import { keyToSeal, sealCredentials } from './sealed-credentials.ts';

export const rotateProviderAccountSchema = z
  .strictObject({ credentials: credentialsSchema })
  .meta({ id: 'RotateProviderAccount' });

/**
 * POST /v1/provider-accounts/:id/rotate: new credentials become the next version once the provider accepts them. The old
 * version drains: operations begun with it can still finish.
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
  const { account } = await readAsMerchant(context, merchantId, async (tx) => {
    const found = await requireAccount(tx, identity, publicId);
    requireActive(found);
    return found;
  });
  const provider = providerNamed(account.provider);
  const credentials = parseCredentials(provider, body.credentials);

  refuseUnlessOk(
    await checkCredentials(context, contextOf(request).requestId, provider, account.mode, credentials),
  );
  const dataKey = await keyToSeal(context, merchantId, credentials);

  const rotated = await asMerchant(context, merchantId, async (tx) => {
    // Two rotations at once follow each other: versions n+1 and n+2, both kept.
    await lockMerchant(tx, merchantId);
    const before = await loadAccount(tx, merchantId, account.id);
    const beforeJson = before === undefined ? {} : toJson(before);
    const after = await addVersion(tx, context.config.drainHours, account, dataKey, credentials);
    const change = { before: beforeJson, after: toJson(after) };
    const action = 'provider_account.rotated';
    await recordAuditEvent(tx, actorOf(request), { merchantId, action, objectId: publicId, ...change });
    return after;
  });
  response.json(toJson(rotated));
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
