import assert from 'node:assert/strict';
import { Initiation } from '@centra/proto/centra/payment/v1/payment.ts';
import type { SaleRequest } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { optionsOf } from '../holds/test-holds.ts';
import { saleRequest } from '../testing/test-service.ts';
import type { Hotel, World } from '../testing/world.ts';

/** A payment that the hotel starts and whose soft declines it wants tried again. */
export function consentedSale(
  hotel: Hotel,
  cardToken: string,
  change: Partial<SaleRequest> = {},
): SaleRequest {
  const options = optionsOf({ initiation: Initiation.INITIATION_MERCHANT, retrySoftDeclines: true });
  return saleRequest(hotel, cardToken, { options, ...change });
}

/** One attempt of a payment, as stored. */
export type StoredAttempt = {
  id: string;
  sequence: number;
  state: string;
  code: string | null;
  due_in_ms: number;
  provider_reference: string | null;
};

/** The sales or authorisations of a payment, first to last. */
export async function attemptsOf(world: World, paymentId: string): Promise<StoredAttempt[]> {
  const { rows } = await world.admin.query<StoredAttempt>(
    `select id, sequence, state, failure->>'code' as code, provider_reference,
            (extract(epoch from due_at - now()) * 1000)::float8 as due_in_ms
       from operations where payment_id = $1 and kind in ('sale', 'authorize') order by sequence`,
    [fromPublicId('pay', paymentId)],
  );
  return rows;
}

/** Lets the pause before a planned retry go by. */
export async function passPause(world: World, paymentId: string): Promise<void> {
  const { rowCount } = await world.admin.query(
    `update operations set due_at = now(), created_at = now()
      where payment_id = $1 and state = 'prepared' and sequence > 1`,
    [fromPublicId('pay', paymentId)],
  );
  assert.equal(rowCount, 1, 'a retry was planned');
}
