import type { Request, Response } from 'express';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Actor } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import type { ProviderAccountRow } from '../entities.ts';
import { plainText } from '../plain-text.ts';
import { asMerchant, lockMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { currentDefault, giveUpDefault } from './default-account.ts';
import { actorOf, requireAccount, requireActive, toJson } from './provider-account.ts';

export const updateProviderAccountSchema = z
  .strictObject({
    name: plainText(100).optional().meta({ description: 'Shown to staff' }),
    default: z
      .literal(true)
      .optional()
      .meta({
        description:
          'Use it for payments that name no account, instead of the present default of its kind and mode. It is taken ' +
          'from an account only by giving it to another one.',
      }),
  })
  .meta({ id: 'UpdateProviderAccount' });

type Change = z.infer<typeof updateProviderAccountSchema>;

/** POST /v1/provider-accounts/:id: its name, and whether it is the default of its kind and mode. */
export async function updateProviderAccount(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const change = parseWith(updateProviderAccountSchema, request.body);
  const identity = identityOf(request);
  const { merchantId } = identity;
  const publicId = String(request.params['id']);
  const updated = await asMerchant(context, merchantId, async (tx) => {
    // Of two that are made the default at once, one follows the other.
    await lockMerchant(tx, merchantId);
    const found = await requireAccount(tx, identity, publicId);
    requireActive(found);
    const before = toJson(found);
    const by = actorOf(request);
    if (!(await apply(tx, by, found.account, change))) return before;
    const after = toJson(await requireAccount(tx, identity, publicId));
    const action = 'provider_account.updated';
    await recordAuditEvent(tx, by, { merchantId, action, objectId: publicId, before, after });
    return after;
  });
  response.json(updated);
}

/** False when everything is as wanted already. */
async function apply(
  tx: Transaction,
  by: Actor,
  account: ProviderAccountRow,
  change: Change,
): Promise<boolean> {
  const name = change.name ?? account.name;
  const isDefault = account.isDefault || change.default === true;
  if (name === account.name && isDefault === account.isDefault) return false;
  if (isDefault && !account.isDefault) {
    const current = await currentDefault(tx, account);
    if (current !== null) await giveUpDefault(tx, by, current);
  }
  await tx.execute(
    `update provider_accounts set name = ?, is_default = ?, updated_at = now() where merchant_id = ? and id = ?`,
    [name, isDefault, account.merchantId, account.id],
  );
  return true;
}
