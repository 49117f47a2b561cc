import type { Request, Response } from 'express';
import { contextOf, identityOf, parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { asMerchant, readAsMerchant } from '../tenant.ts';
import { checkCredentials } from './check-credentials.ts';
import type { CredentialsCheck } from './check-credentials.ts';
import { keepTest } from './connection-test.ts';
import { providerNamed } from './providers.ts';
import { actorOf, requireAccount, requireActive } from './provider-account.ts';
import type { Account } from './provider-account.ts';
import { loadSealed } from './load-sealed.ts';
import { openCredentials } from './sealed-credentials.ts';
import { checkToJson } from './test-credentials.ts';

/** No choices: what is tested is what is stored. */
export const testProviderAccountSchema = z.strictObject({}).meta({ id: 'TestProviderAccount' });

/** POST /v1/provider-accounts/:id/test: asks the provider about the stored credentials and keeps the answer. */
export async function testProviderAccount(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  parseWith(testProviderAccountSchema, request.body);
  const identity = identityOf(request);
  const { merchantId } = identity;
  const publicId = String(request.params['id']);
  const { account, version } = await readAsMerchant(context, merchantId, async (tx) => {
    const found = await requireAccount(tx, identity, publicId);
    requireActive(found);
    return found;
  });
  const sealed = await asMerchant(context, merchantId, (tx) => loadSealed(tx, account, version.version));
  const credentials = await openCredentials(context, sealed);
  const { requestId } = contextOf(request);
  const check = await checkCredentials(
    context,
    requestId,
    providerNamed(account.provider),
    account.mode,
    credentials,
  );
  await keepResult(context, request, { account, version }, check);
  response.json(checkToJson(check));
}

async function keepResult(
  context: Context,
  request: Request,
  { account, version }: Account,
  check: CredentialsCheck,
): Promise<void> {
  const { merchantId, id } = account;
  const result = { ...checkToJson(check), version: version.version };
  await asMerchant(context, merchantId, async (tx) => {
    await tx.execute(
      `update provider_accounts
          set last_test = ?::jsonb || jsonb_build_object('tested_at',
                to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        where merchant_id = ? and id = ?`,
      [JSON.stringify(result), merchantId, id],
    );
    const of = { merchantId, providerAccountId: id, version: version.version };
    await keepTest(tx, actorOf(request), of, check);
    const objectId = String(request.params['id']);
    const action = 'provider_account.tested';
    await recordAuditEvent(tx, actorOf(request), { merchantId, action, objectId, after: result });
  });
}
