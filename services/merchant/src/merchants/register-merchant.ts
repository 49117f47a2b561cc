import type { Request, Response } from 'express';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import { orderAccess } from '../access/access-order.ts';
import { deliverAccessNow } from '../access/deliver-access.ts';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Actor } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import {
  openOrganisation,
  personActorOf,
  personOf,
  recordOrganisationEvent,
} from '../organisations/organisation.ts';
import { asPerson, enterMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { countrySchema, currencySchema, nameSchema, timeZoneSchema } from './merchant.ts';
import { changeSchema, withChange } from './profile.ts';
import type { Settings } from './profile.ts';
import { FIRST_SETTINGS, loadMerchant, toJson } from './stored-merchant.ts';
import { checkSettings } from './update-merchant.ts';
import { writeSettings } from './write-settings.ts';

/** What a new hotel must say, and anything else that it may. */
export function registerSchema(isProduction: boolean) {
  return changeSchema(isProduction)
    .extend({
      organisation_id: z.string().max(64).meta({ example: 'org_01jd0000000000000000000000' }),
      name: nameSchema,
      country: countrySchema,
      time_zone: timeZoneSchema,
      default_currency: currencySchema,
    })
    .strict();
}

// The largest chains here have dozens; past a hundred somebody should talk to the operator.
const MERCHANTS_MAX = 100;

/**
 * POST /v1/merchants: a draft in an organisation of the person's, who becomes its owner. Auth is told so at once; when it is
 * away, the person has access some seconds after it is back.
 */
export async function registerMerchant(
  context: Context,
  request: Request,
  response: Response,
): Promise<void> {
  const body = parseWith(registerSchema(context.config.isProduction), request.body);
  const { organisation_id: organisation, ...change } = body;
  refuseCardData(change);
  const { name, country, time_zone: timeZone, default_currency: currency } = change;
  const first = { ...FIRST_SETTINGS, name, country, time_zone: timeZone, default_currency: currency };
  const settings = withChange(first, change);
  checkSettings(settings);
  const merchantId = newUuid();
  const userId = personOf(request);
  const registered = await asPerson(context, userId, async (tx) => {
    const { organisation_id: organisationId } = await openOrganisation(tx, organisation);
    await requireRoom(tx, organisationId);
    await insertMerchant(tx, personActorOf(request), { organisationId, merchantId, userId, settings });
    return await loadMerchant(tx, merchantId);
  });
  await deliverAccessNow(context, merchantId);
  const json = toJson(registered);
  response.status(201).location(`/v1/merchants/${json.id}`).json(json);
}

/** Under the lock of the organisation. */
async function requireRoom(tx: Transaction, organisationId: string): Promise<void> {
  const [row] = await tx.execute<{ count: number }[]>(
    'select count(*)::int as count from merchants where organisation_id = ?',
    [organisationId],
  );
  if ((row?.count ?? 0) >= MERCHANTS_MAX)
    throw new AppError('state_conflict', {
      detail: `An organisation has at most ${MERCHANTS_MAX} hotels.`,
    });
}

type Registration = { organisationId: string; merchantId: string; userId: string; settings: Settings };

async function insertMerchant(
  tx: Transaction,
  by: Actor,
  { organisationId, merchantId, userId, settings }: Registration,
): Promise<void> {
  await enterMerchant(tx, merchantId);
  const { name, country, time_zone: timeZone, default_currency: currency } = settings;
  await tx.execute(
    `insert into merchants (merchant_id, organisation_id, name, country, time_zone, default_currency, state)
     values (?, ?, ?, ?, ?, ?, 'draft')`,
    [merchantId, organisationId, name, country, timeZone, currency],
  );
  await writeSettings(tx, merchantId, settings);
  const objectId = toPublicId('mer', merchantId);
  const after = { organisation_id: toPublicId('org', organisationId), state: 'draft', ...settings };
  await recordAuditEvent(tx, by, { merchantId, action: 'merchant.created', objectId, after });
  await recordOrganisationEvent(tx, by, {
    organisationId,
    action: 'organisation.merchant_added',
    objectId,
    after: { merchant_id: objectId },
  });
  await orderAccess(tx, by, merchantId, { kind: 'owner', userId });
}
