import { isDeepStrictEqual } from 'node:util';
import type { CreateMerchantRequest, Merchant } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { recordAuditEvent } from '../audit/audit-event.ts';
import type { Context } from '../context.ts';
import { asMerchant } from '../tenant.ts';
import type { Transaction } from '../tenant.ts';
import { findMerchant, merchantSchema } from './merchant.ts';

/** Registers a hotel. Repeated with the same data it answers the same hotel; with other data it is `state_conflict`. */
export async function createMerchant(
  context: Context,
  request: CreateMerchantRequest,
  call: CallContext,
): Promise<Merchant> {
  const wanted = parseWith(merchantSchema(context.config.isProduction), request);
  // Not the id: groups of a UUID's digits can pass for a card number by chance.
  refuseCardData({ name: wanted.name, allowedOrigins: wanted.allowedOrigins });
  return await asMerchant(context, wanted.merchantId, async (tx) => {
    const isNew = await insertMerchant(tx, wanted);
    if (isNew) {
      await insertOrigins(tx, wanted);
      await recordAuditEvent(
        tx,
        { actor: `service:${call.caller}`, address: call.address, requestId: call.requestId },
        {
          merchantId: wanted.merchantId,
          action: 'merchant.created',
          objectId: toPublicId('mer', wanted.merchantId),
          after: wanted,
        },
      );
    }
    const stored = await findMerchant(tx, wanted.merchantId);
    if (stored === undefined) throw new Error('the merchant that was just stored is not there');
    // Limits, the state and what its people have set since are not the registration's to say.
    const { limits: _limits, state: _state, organisationId: _organisation, ...rest } = stored;
    const { locale: _locale, statementDescriptor: _descriptor, ...registered } = rest;
    if (!isDeepStrictEqual(registered, { ...wanted, allowedOrigins: wanted.allowedOrigins.toSorted() }))
      throw new AppError('state_conflict', {
        detail: 'This merchant is already registered with different data.',
      });
    return stored;
  });
}

type Registration = Pick<
  Merchant,
  'merchantId' | 'name' | 'country' | 'timeZone' | 'defaultCurrency' | 'allowedOrigins'
>;

async function insertMerchant(tx: Transaction, wanted: Registration): Promise<boolean> {
  const inserted = await tx.execute<unknown[]>(
    // The operator has looked at the hotel before registering it.
    `insert into merchants (merchant_id, name, country, time_zone, default_currency, state)
     values (?, ?, ?, ?, ?, 'verified')
     on conflict do nothing returning merchant_id`,
    [wanted.merchantId, wanted.name, wanted.country, wanted.timeZone, wanted.defaultCurrency],
  );
  return inserted.length === 1;
}

async function insertOrigins(tx: Transaction, wanted: Registration): Promise<void> {
  await tx.execute(
    `insert into merchant_origins (merchant_id, origin)
     select ?::uuid, origin from jsonb_array_elements_text(?::jsonb) as origin`,
    [wanted.merchantId, JSON.stringify(wanted.allowedOrigins)],
  );
}
