import type { RoutingRule } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { fromPublicId, newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import type { Hotel, World } from '../testing/world.ts';
import type { Route } from './choose-route.ts';

/** A rule that holds for every payment, changed as a test needs. */
export function ruleOf(accounts: readonly string[], change: Partial<RoutingRule> = {}): RoutingRule {
  return {
    ruleId: toPublicId('rr', newUuid()),
    name: 'a rule',
    currencies: [],
    countries: [],
    cardBrands: [],
    cardCountries: [],
    methods: [],
    providerAccountIds: [...accounts],
    ...change,
  };
}

/** Where a payment is, and how it came there, as stored. */
export type StoredRoute = {
  state: string;
  attempt: number;
  may_have_charged: boolean;
  /** Of the operation; the payment's is the same. */
  account: string;
  payment_account: string;
  routing: Route | null;
  events: { type: string; details: Record<string, string> }[];
};

export async function storedRoute(world: World, hotel: Hotel, operationId: string): Promise<StoredRoute> {
  const { rows } = await world.admin.query<StoredRoute>(
    `select o.state, o.attempt, o.may_have_charged, o.provider_account_id as account,
            p.provider_account_id as payment_account, o.options->'routing' as routing,
            (select json_agg(json_build_object('type', e.type, 'details', e.details) order by e.version)
               from payment_events e where e.merchant_id = p.merchant_id and e.payment_id = p.id) as events
       from operations o join payments p on p.merchant_id = o.merchant_id and p.id = o.payment_id
      where o.merchant_id = $1 and o.id = $2`,
    [hotel.merchantId, operationId],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`operation ${operationId} is not stored`);
  return row;
}

/** The id as rows hold it. */
export function uuidOf(publicId: string): string {
  const id = fromPublicId('pa', publicId);
  if (id === undefined) throw new Error(`${publicId} is no account`);
  return id;
}
