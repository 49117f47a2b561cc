import { CARD_BRANDS, METHODS } from '@centra/routing/routing.ts';
import type { Conditions } from '@centra/routing/routing.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import type { Identity } from '@centra/service-kit/service-identity.ts';
import { z } from 'zod';
import type { Mode } from '../entities.ts';
import { isCountry, isCurrency } from '../merchants/merchant.ts';
import { plainText } from '../plain-text.ts';
import { modeSchema } from '../provider-accounts/provider-account.ts';
import type { Transaction } from '../tenant.ts';

// Each list has room for whatever exists of its kind that a hotel could mean.
const CURRENCIES_MAX = 50;
const COUNTRIES_MAX = 250;
// A hotel has a handful of accounts; more tries than this would keep a guest waiting.
const ACCOUNTS_MAX = 10;

/** A list that names each once and something at all: one that names nothing is left out. */
function listOf<T extends z.ZodType<string>>(item: T, max: number) {
  return z
    .array(item)
    .min(1, 'must name something; leave it out to hold for every payment')
    .max(max)
    .refine((items) => new Set(items).size === items.length, 'names something twice');
}

export const currencySchema = z.string().refine(isCurrency, 'must be an ISO 4217 code in upper case');
export const countrySchema = z
  .string()
  .refine(isCountry, 'must be an ISO 3166-1 alpha-2 code in upper case')
  .meta({ example: 'MA' });
export const amountSchema = z
  .int('must be a whole number of minor units')
  .min(1)
  .max(Number.MAX_SAFE_INTEGER)
  .meta({ description: 'In minor units of the currency', example: 12_050 });

export const conditionsSchema = z
  .strictObject({
    currencies: listOf(currencySchema, CURRENCIES_MAX)
      .optional()
      .meta({ example: ['EUR'] }),
    amount_min: amountSchema.optional().meta({ description: 'Inclusive; needs exactly one currency' }),
    amount_max: amountSchema.optional().meta({ description: 'Inclusive; needs exactly one currency' }),
    countries: listOf(countrySchema, COUNTRIES_MAX)
      .optional()
      .meta({ description: 'Of the guest, where the payment tells it' }),
    card_brands: listOf(z.enum(CARD_BRANDS), CARD_BRANDS.length)
      .optional()
      .meta({ description: 'Where the payment tells it' }),
    card_countries: listOf(countrySchema, COUNTRIES_MAX)
      .optional()
      .meta({ description: "Of the card's issuer, where the payment tells it" }),
    methods: listOf(z.enum(METHODS), METHODS.length).optional(),
  })
  .superRefine((conditions, context) => {
    for (const [field, message] of brokenBounds(conditions))
      context.addIssue({ code: 'custom', path: [field], message });
  })
  .meta({
    description:
      'All must hold. What is left out holds for every payment; what the payment does not tell, holds for none.',
  });

type ConditionsJson = z.infer<typeof conditionsSchema>;

function brokenBounds(conditions: {
  currencies?: readonly string[] | undefined;
  amount_min?: number | undefined;
  amount_max?: number | undefined;
}): [field: string, reason: string][] {
  const { amount_min: min, amount_max: max, currencies } = conditions;
  const bounded = min === undefined ? 'amount_max' : 'amount_min';
  if (min === undefined && max === undefined) return [];
  if (currencies?.length !== 1)
    return [[bounded, 'needs exactly one currency in currencies: amounts of two cannot be compared']];
  return min !== undefined && max !== undefined && min > max
    ? [['amount_max', 'must not be below amount_min']]
    : [];
}

export const accountIdsSchema = z
  .array(z.string().max(64))
  .min(1)
  .max(ACCOUNTS_MAX)
  .refine((ids) => new Set(ids).size === ids.length, 'names an account twice')
  .meta({
    description: 'Accounts of yours, of the rule’s mode, in the order in which they are tried',
    example: ['pa_01jd0000000000000000000000'],
  });

export const ruleNameSchema = plainText(100).meta({
  description: 'Shown to staff',
  example: 'Large in euro',
});

/** A routing rule as it is shown. */
export const routingRuleSchema = z
  .object({
    id: z.string().meta({ example: 'rr_01jd0000000000000000000000' }),
    object: z.literal('routing_rule'),
    mode: modeSchema,
    name: z.string(),
    position: z.int().meta({ description: '1 is looked at first' }),
    enabled: z.boolean(),
    conditions: conditionsSchema,
    provider_accounts: z.array(z.string()),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({
    id: 'RoutingRule',
    description: 'Which of the hotel’s accounts take the payments that it matches',
  });

/** A row of `routing_rules`. bigint comes as text. */
export type RuleRow = {
  id: string;
  mode: Mode;
  name: string;
  position: number;
  enabled: boolean;
  currencies: string[];
  amount_min_minor: string | null;
  amount_max_minor: string | null;
  countries: string[];
  card_brands: string[];
  card_countries: string[];
  methods: string[];
  provider_account_ids: string[];
  created_ms: number;
  updated_ms: number;
};

export const RULE_COLUMNS = `id, mode, name, position, enabled, currencies, amount_min_minor::text, amount_max_minor::text,
  countries, card_brands, card_countries, methods, provider_account_ids::text[],
  (extract(epoch from created_at) * 1000)::float8 as created_ms, (extract(epoch from updated_at) * 1000)::float8 as updated_ms`;

/** The public form. */
export function toJson(row: RuleRow): Record<string, unknown> {
  return {
    id: toPublicId('rr', row.id),
    object: 'routing_rule',
    mode: row.mode,
    name: row.name,
    position: row.position,
    enabled: row.enabled,
    conditions: conditionsToJson(row),
    provider_accounts: row.provider_account_ids.map((id) => toPublicId('pa', id)),
    created_at: new Date(row.created_ms).toISOString(),
    updated_at: new Date(row.updated_ms).toISOString(),
  };
}

function conditionsToJson(row: RuleRow): Record<string, unknown> {
  const lists = {
    currencies: row.currencies,
    countries: row.countries,
    card_brands: row.card_brands,
    card_countries: row.card_countries,
    methods: row.methods,
  };
  return {
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
    // Not above 2^53 - 1: the table refuses more.
    ...(row.amount_min_minor === null ? {} : { amount_min: Number(row.amount_min_minor) }),
    ...(row.amount_max_minor === null ? {} : { amount_max: Number(row.amount_max_minor) }),
  };
}

/** What a body says, as it is decided by. */
export function toConditions(body: ConditionsJson): Conditions {
  return {
    currencies: body.currencies ?? [],
    amountMinMinor: body.amount_min === undefined ? undefined : BigInt(body.amount_min),
    amountMaxMinor: body.amount_max === undefined ? undefined : BigInt(body.amount_max),
    countries: body.countries ?? [],
    cardBrands: body.card_brands ?? [],
    cardCountries: body.card_countries ?? [],
    methods: body.methods ?? [],
  };
}

/** What a row says, as it is decided by. */
export function conditionsOf(
  row: Omit<RuleRow, 'created_ms' | 'updated_ms' | 'mode' | 'position'>,
): Conditions {
  return {
    currencies: row.currencies,
    amountMinMinor: row.amount_min_minor === null ? undefined : BigInt(row.amount_min_minor),
    amountMaxMinor: row.amount_max_minor === null ? undefined : BigInt(row.amount_max_minor),
    countries: row.countries,
    cardBrands: row.card_brands,
    cardCountries: row.card_countries,
    methods: row.methods,
  };
}

/** The rule that a path names, when the caller may see it; anyone else's is 404 like none at all. */
export async function requireRule(tx: Transaction, identity: Identity, publicId: string): Promise<RuleRow> {
  const id = fromPublicId('rr', publicId);
  const [row] =
    id === undefined
      ? []
      : await tx.execute<RuleRow[]>(
          `select ${RULE_COLUMNS} from routing_rules where merchant_id = ? and id = ?`,
          [identity.merchantId, id],
        );
  if (row === undefined || (identity.mode === 'test' && row.mode === 'live')) throw new AppError('not_found');
  return row;
}
