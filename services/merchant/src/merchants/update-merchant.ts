import type { Request, Response } from 'express';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { recordAuditEvent } from '../audit/audit-event.ts';
import { checkContrast } from '../branding/contrast.ts';
import type { Context } from '../context.ts';
import { actorOf } from '../provider-accounts/provider-account.ts';
import { providerNamed } from '../provider-accounts/providers.ts';
import { asMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { lockStanding, requireOpen } from './merchant-state.ts';
import type { State } from './merchant-state.ts';
import { changeSchema, withChange } from './profile.ts';
import type { Settings } from './profile.ts';
import { checkDescriptor } from './statement-descriptor.ts';
import { loadMerchant, ownMerchantId, toJson } from './stored-merchant.ts';
import { differences, writeSettings } from './write-settings.ts';

/**
 * POST /v1/merchants/:id: any subset of the settings; what is not named stays. 409 for a closed hotel, and for what was
 * verified by; 422 for colours that cannot be read and a descriptor that a connected provider does not take.
 */
export async function updateMerchant(context: Context, request: Request, response: Response): Promise<void> {
  const merchantId = ownMerchantId(request);
  const change = parseWith(changeSchema(context.config.isProduction), request.body);
  refuseCardData(change);
  const updated = await asMerchant(context, merchantId, async (tx) => {
    requireOpen(await lockStanding(tx, merchantId));
    const stored = await loadMerchant(tx, merchantId);
    const after = withChange(stored.settings, change);
    const changed = differences(stored.settings, after);
    if (changed === undefined) return stored;
    refuseWhatWasVerified(stored.state, stored.settings, after);
    checkSettings(after);
    if ('statement_descriptor' in changed.after && after.statement_descriptor !== null)
      checkDescriptor(after.statement_descriptor, await connectedProviders(tx, merchantId));
    await writeSettings(tx, merchantId, after);
    await recordAuditEvent(tx, actorOf(request), {
      merchantId,
      action: 'merchant.updated',
      objectId: toPublicId('mer', merchantId),
      ...changed,
    });
    return await loadMerchant(tx, merchantId);
  });
  response.json(toJson(updated));
}

/** What hangs together: 400 for a default currency that is not accepted, 422 for colours that cannot be read. */
export function checkSettings(settings: Settings): void {
  const { currencies, default_currency: own } = settings;
  if (currencies.length > 0 && !currencies.includes(own))
    throw new AppError('validation_failed', {
      errors: [{ field: 'currencies', reason: `must name the default currency ${own}, or none at all` }],
    });
  checkContrast(settings.branding);
}

/** The operator let in this business in this country: another one has to be looked at again. */
function refuseWhatWasVerified(state: State, before: Settings, after: Settings): void {
  if (state === 'draft') return;
  const fixed: [field: string, isSame: boolean][] = [
    ['profile.legal_name', before.profile.legal_name === after.profile.legal_name],
    ['profile.registration_number', before.profile.registration_number === after.profile.registration_number],
    ['country', before.country === after.country],
  ];
  const field = fixed.find(([, isSame]) => !isSame)?.[0];
  if (field !== undefined)
    throw new AppError('state_conflict', {
      detail: `${field} cannot be changed any more: the hotel is ${state}. Ask the operator.`,
    });
}

async function connectedProviders(tx: Transaction, merchantId: string) {
  const rows = await tx.execute<{ provider: string }[]>(
    `select distinct provider from provider_accounts where merchant_id = ? and status = 'active' order by provider`,
    [merchantId],
  );
  return rows.map(({ provider }) => providerNamed(provider));
}
