import type { Request, Response } from 'express';
import { decideRoute } from '@centra/routing/decide-route.ts';
import { CARD_BRANDS, METHODS } from '@centra/routing/routing.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf, parseWith } from '@centra/service-kit/http.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { modeOf, modeSchema } from '../provider-accounts/provider-account.ts';
import { loadRouting } from './load-routing.ts';
import { amountSchema, countrySchema, currencySchema } from './routing-rule.ts';

export const dryRunRoutingSchema = z
  .strictObject({
    mode: modeSchema.optional(),
    amount: amountSchema,
    currency: currencySchema,
    method: z.enum(METHODS).optional().meta({ description: '`card` when absent' }),
    country: countrySchema.optional().meta({ description: 'Of the guest, where it will be known' }),
    card: z
      .strictObject({ brand: z.enum(CARD_BRANDS).optional(), country: countrySchema.optional() })
      .optional()
      .meta({ description: 'What will be known of the card' }),
  })
  .meta({ id: 'DryRunRouting' });

export const routingDecisionSchema = z
  .object({
    rule_id: z
      .string()
      .nullable()
      .meta({ description: 'The rule that takes it; null for the default account' }),
    provider_accounts: z
      .array(z.object({ id: z.string(), provider: z.string(), name: z.string() }))
      .meta({ description: 'In the order in which they are tried; empty when the payment would be refused' }),
    refusal: z
      .enum(['method_not_accepted', 'provider_account_missing', 'not_supported'])
      .nullable()
      .meta({ description: 'The code with which the payment would be refused' }),
    reason: z.string().meta({ description: 'What came out, in words for staff' }),
    considered: z
      .array(
        z.object({
          rule_id: z.string(),
          name: z.string(),
          matched: z.boolean(),
          because: z.array(z.string()),
        }),
      )
      .meta({ description: 'Every rule that was looked at, in order, up to the one that took the payment' }),
  })
  .meta({ id: 'RoutingDecision' });

/** POST /v1/routing-rules/dry-run: where such a payment would go now, by the very function that sends payments. */
export async function dryRunRouting(context: Context, request: Request, response: Response): Promise<void> {
  const body = parseWith(dryRunRoutingSchema, request.body);
  const identity = identityOf(request);
  const mode = modeOf(identity, body.mode);
  const routing = await loadRouting(context.pool, identity.merchantId, mode);
  if (routing === undefined) throw new AppError('not_found', { detail: 'This merchant is not registered.' });
  const decision = decideRoute(routing, {
    amountMinor: BigInt(body.amount),
    currency: body.currency,
    method: body.method ?? 'card',
    cardBrand: body.card?.brand,
    cardCountry: body.card?.country,
    country: body.country,
  });
  response.json({
    rule_id: decision.ruleId ?? null,
    provider_accounts: decision.accounts.map(({ id, provider, name }) => ({
      id: toPublicId('pa', id),
      provider,
      name,
    })),
    refusal: decision.refusal ?? null,
    reason: decision.reason,
    considered: decision.considered.map(({ ruleId, name, matched, because }) => ({
      rule_id: ruleId,
      name,
      matched,
      because,
    })),
  });
}
