import type { Request } from 'express';
import { AppError } from '@centra/service-kit/errors.ts';
import { identityOf } from '@centra/service-kit/http.ts';
import { fromPublicId, toPublicId } from '@centra/service-kit/ids.ts';
import { z } from 'zod';
import type { Transaction } from '../tenant.ts';
import { STATES } from './merchant-state.ts';
import type { State } from './merchant-state.ts';
import { missingOf } from './missing.ts';
import { NO_COLOURS, NO_PROFILE, coloursSchema, settingsSchema } from './profile.ts';
import type { Settings } from './profile.ts';

const logoSchema = z.object({
  width: z.int(),
  height: z.int(),
  bytes: z.int(),
  sha256: z.string().meta({ description: 'Of the picture as it is served; its ETag' }),
});

/** A hotel as its people see it. */
export const merchantSchema = z
  .object({
    id: z.string().meta({ example: 'mer_01jd0000000000000000000000' }),
    object: z.literal('merchant'),
    organisation_id: z.string().nullable(),
    state: z.enum(STATES).meta({ description: 'Only a verified hotel takes live payments' }),
    state_reason: z.string().nullable().meta({ description: 'Why it was sent back, suspended or closed' }),
    ...settingsSchema.shape,
    branding: coloursSchema.extend({
      logo_url: z.string().nullable().meta({ description: 'A path on the host of this API' }),
      logo: logoSchema.nullable(),
    }),
    missing: z
      .array(z.object({ field: z.string(), reason: z.string() }))
      .meta({ description: 'What must be given before it can be submitted' }),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Merchant', description: 'One hotel' });

/** A hotel with everything that its people see. */
export type StoredMerchant = {
  merchantId: string;
  organisationId: string | null;
  state: State;
  stateReason: string | null;
  settings: Settings;
  logo: z.infer<typeof logoSchema> | null;
  /** An active account at a provider that moves money is connected, in any mode. */
  takesMoney: boolean;
  createdAt: Date;
  updatedAt: Date;
};

type Row = {
  merchant_id: string;
  organisation_id: string | null;
  state: State;
  state_reason: string | null;
  settings: string;
  logo: string | null;
  takes_money: boolean;
  created_ms: number;
  updated_ms: number;
};

const SELECT = `
select m.merchant_id, m.organisation_id, m.state, m.state_reason,
       jsonb_build_object('name', m.name, 'country', m.country, 'time_zone', m.time_zone,
         'default_currency', m.default_currency, 'currencies', to_jsonb(m.currencies), 'methods', to_jsonb(m.methods),
         'statement_descriptor', m.statement_descriptor, 'locale', m.locale, 'profile', m.profile,
         'allowed_origins', coalesce((select jsonb_agg(o.origin order by o.origin) from merchant_origins as o
                                       where o.merchant_id = m.merchant_id), '[]'),
         'branding', jsonb_build_object('primary_color', m.primary_color, 'on_primary_color', m.on_primary_color,
           'background_color', m.background_color, 'text_color', m.text_color))::text as settings,
       case when l.merchant_id is not null then jsonb_build_object('width', l.width, 'height', l.height,
         'bytes', length(l.image), 'sha256', encode(l.sha256, 'hex'))::text end as logo,
       exists (select from provider_accounts as a
                where a.merchant_id = m.merchant_id and a.status = 'active'
                  and a.kind in ('card_provider', 'hosted_page', 'wallet')) as takes_money,
       (extract(epoch from m.created_at) * 1000)::float8 as created_ms,
       (extract(epoch from m.updated_at) * 1000)::float8 as updated_ms
  from merchants as m left join merchant_logos as l on l.merchant_id = m.merchant_id
 where m.merchant_id = ?`;

const storedSettingsSchema = settingsSchema.extend({
  profile: z.looseObject({}).transform((stored) => {
    const profile = { ...NO_PROFILE, ...stored };
    return settingsSchema.shape.profile.parse(profile);
  }),
});

/** Reads one; 404 when it is not registered. */
export async function loadMerchant(tx: Transaction, merchantId: string): Promise<StoredMerchant> {
  const [row] = await tx.execute<Row[]>(SELECT, [merchantId]);
  if (row === undefined) throw new AppError('not_found', { detail: 'This merchant is not registered.' });
  return {
    merchantId: row.merchant_id,
    organisationId: row.organisation_id,
    state: row.state,
    stateReason: row.state_reason,
    settings: storedSettingsSchema.parse(JSON.parse(row.settings)),
    logo: row.logo === null ? null : logoSchema.parse(JSON.parse(row.logo)),
    takesMoney: row.takes_money,
    createdAt: new Date(row.created_ms),
    updatedAt: new Date(row.updated_ms),
  };
}

/** The public form. */
export function toJson(merchant: StoredMerchant): z.infer<typeof merchantSchema> {
  const { settings, logo } = merchant;
  const id = toPublicId('mer', merchant.merchantId);
  return {
    id,
    object: 'merchant',
    organisation_id: merchant.organisationId === null ? null : toPublicId('org', merchant.organisationId),
    state: merchant.state,
    state_reason: merchant.stateReason,
    ...settings,
    branding: {
      ...settings.branding,
      logo_url: logo === null ? null : `/v1/merchants/${id}/logo`,
      logo,
    },
    missing: missingOf(settings, merchant.takesMoney),
    created_at: merchant.createdAt.toISOString(),
    updated_at: merchant.updatedAt.toISOString(),
  };
}

/** The hotel of the path, which must be the credential's own; any other is 404, like none at all. */
export function ownMerchantId(request: Request): string {
  const { merchantId } = identityOf(request);
  if (fromPublicId('mer', String(request.params['id'])) !== merchantId) throw new AppError('not_found');
  return merchantId;
}

/** What a hotel that was only just named has. */
export const FIRST_SETTINGS: Pick<
  Settings,
  'currencies' | 'methods' | 'statement_descriptor' | 'locale' | 'allowed_origins' | 'profile' | 'branding'
> = {
  currencies: [],
  methods: [],
  statement_descriptor: null,
  locale: 'en',
  allowed_origins: [],
  profile: NO_PROFILE,
  branding: NO_COLOURS,
};
