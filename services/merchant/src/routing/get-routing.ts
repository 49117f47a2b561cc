import type { GetRoutingRequest, Routing } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode as ModeCode } from '@centra/proto/centra/money/v1/money.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { parseWith } from '@centra/service-kit/http.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { merchantIdSchema } from '../merchants/merchant.ts';
import { loadRouting } from './load-routing.ts';

const requestSchema = z.strictObject({
  merchantId: merchantIdSchema,
  mode: z.union([z.literal(ModeCode.MODE_TEST), z.literal(ModeCode.MODE_LIVE)]),
});

/**
 * What decides which account takes a payment, for the transaction service only. `not_found` for an unknown hotel;
 * `merchant_not_verified` in live mode for one that is not.
 */
export async function getRouting(context: Context, request: GetRoutingRequest): Promise<Routing> {
  const { merchantId, mode } = parseWith(requestSchema, request);
  const isLive = mode === ModeCode.MODE_LIVE;
  const loaded = await loadRouting(context.pool, merchantId, isLive ? 'live' : 'test');
  if (loaded === undefined) throw new AppError('not_found');
  // Before anything about accounts: that it lacks one would send its people after the wrong thing.
  if (isLive && !loaded.isVerified) throw new AppError('merchant_not_verified');
  const { rules, accounts, currencies, methods } = loaded;
  return {
    // What is switched off decides nothing.
    rules: rules
      .filter(({ enabled }) => enabled)
      .map(({ id, enabled: _enabled, accountIds, ...rule }) => ({
        name: rule.name,
        amountMinMinor: rule.amountMinMinor,
        amountMaxMinor: rule.amountMaxMinor,
        currencies: [...rule.currencies],
        countries: [...rule.countries],
        cardBrands: [...rule.cardBrands],
        cardCountries: [...rule.cardCountries],
        methods: [...rule.methods],
        ruleId: id,
        providerAccountIds: [...accountIds],
      })),
    accounts: accounts.map(({ id, methods: carried, ...account }) => ({
      ...account,
      methods: [...carried],
      providerAccountId: id,
    })),
    currencies: [...currencies],
    methods: [...methods],
  };
}
