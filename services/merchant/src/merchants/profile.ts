import { z } from 'zod';
import { colourSchema } from '../branding/contrast.ts';
import { plainText } from '../plain-text.ts';
import { countrySchema, currencySchema, nameSchema, originsSchema, timeZoneSchema } from './merchant.ts';
import { descriptorSchema } from './statement-descriptor.ts';

export const LOCALES = ['en', 'fr', 'es', 'ar'] as const;
export const METHODS = ['card', 'card_page', 'paypal', 'stablecoin'] as const;
const BUSINESS_TYPES = ['hotel', 'riad', 'guest_house', 'hostel', 'apartment', 'other'] as const;

// ITU-T E.164: up to 15 digits after the plus; no national number has fewer than 7 with its country code.
const PHONE = /^\+[1-9]\d{6,14}$/;

const addressShape = {
  line1: plainText(200).nullable(),
  line2: plainText(200).nullable(),
  city: plainText(100).nullable(),
  region: plainText(100).nullable(),
  postal_code: plainText(20).nullable(),
  country: countrySchema.nullable(),
};

const profileShape = {
  legal_name: plainText(200).nullable(),
  registration_number: plainText(64).nullable(),
  tax_id: plainText(64).nullable(),
  business_type: z.enum(BUSINESS_TYPES).nullable(),
  website: z
    .string()
    .refine(isPublicPage, 'must be a public https address such as https://www.example.com')
    .nullable(),
  phone: z.string().regex(PHONE, 'must be in E.164 form such as +212524000000').nullable(),
  // RFC 5321 §4.5.3.1.3 allows a path of 256 with its brackets.
  email: z.email('must be an e-mail address').max(254).nullable(),
};

const brandingShape = {
  primary_color: colourSchema.nullable(),
  on_primary_color: colourSchema.nullable(),
  background_color: colourSchema.nullable(),
  text_color: colourSchema.nullable(),
};

/** The business behind the hotel; each part null until it is given. */
export const profileSchema = z.object({ ...profileShape, address: z.object(addressShape) });
export type Profile = z.infer<typeof profileSchema>;

/** The colours of pages for guests; null: the page's own. */
export const coloursSchema = z.object(brandingShape);

// As many as ISO 4217 has, and some.
const CURRENCIES_MAX = 200;
const currenciesSchema = z.array(currencySchema).max(CURRENCIES_MAX).refine(isSet, 'names a currency twice');
const methodsSchema = z.array(z.enum(METHODS)).max(METHODS.length).refine(isSet, 'names a method twice');

/** Everything about a hotel that its people may change, in its public form. */
export const settingsSchema = z.object({
  name: z.string(),
  country: z.string(),
  time_zone: z.string(),
  default_currency: z.string(),
  currencies: z
    .array(z.string())
    .meta({ description: 'What it accepts; empty: all that its providers take' }),
  methods: z
    .array(z.enum(METHODS))
    .meta({ description: 'Ways to pay that it accepts; empty: all that its providers take' }),
  statement_descriptor: z.string().nullable(),
  locale: z.enum(LOCALES).meta({ description: 'Of pages and mails for guests' }),
  allowed_origins: z.array(z.string()),
  profile: profileSchema,
  branding: coloursSchema,
});
export type Settings = z.infer<typeof settingsSchema>;

/** What may be sent to change a hotel: any subset; null clears. `isProduction` as in `originsSchema`. */
export function changeSchema(isProduction: boolean) {
  return z
    .strictObject({
      name: nameSchema,
      country: countrySchema,
      time_zone: timeZoneSchema,
      default_currency: currencySchema,
      currencies: currenciesSchema.nullable(),
      methods: methodsSchema.nullable(),
      statement_descriptor: descriptorSchema.nullable(),
      locale: z.enum(LOCALES),
      allowed_origins: originsSchema(isProduction).nullable(),
      profile: z
        .strictObject({
          ...profileShape,
          address: z.strictObject(addressShape).partial().nullable(),
        })
        .partial(),
      branding: z.strictObject(brandingShape).partial(),
    })
    .partial();
}
export type Change = z.infer<ReturnType<typeof changeSchema>>;

const NO_ADDRESS = { line1: null, line2: null, city: null, region: null, postal_code: null, country: null };

/** What a hotel has before its people say anything. */
export const NO_PROFILE: Profile = {
  legal_name: null,
  registration_number: null,
  tax_id: null,
  business_type: null,
  website: null,
  phone: null,
  email: null,
  address: NO_ADDRESS,
};
export const NO_COLOURS: Settings['branding'] = {
  primary_color: null,
  on_primary_color: null,
  background_color: null,
  text_color: null,
};

/** The settings with the change made. Members that are not named stay; lists are replaced as a whole. */
export function withChange(settings: Settings, change: Change): Settings {
  const { currencies, methods, allowed_origins: origins, profile, branding, ...plain } = change;
  const { address, ...texts } = profile ?? {};
  return {
    ...settings,
    ...given(plain),
    currencies: currencies === undefined ? settings.currencies : (currencies ?? []).toSorted(),
    methods: methods === undefined ? settings.methods : (methods ?? []).toSorted(),
    allowed_origins: origins === undefined ? settings.allowed_origins : (origins ?? []).toSorted(),
    profile: {
      ...settings.profile,
      ...given(texts),
      address: address === null ? NO_ADDRESS : { ...settings.profile.address, ...given(address ?? {}) },
    },
    branding: { ...settings.branding, ...given(branding ?? {}) },
  };
}

/** Without the members that were not sent. */
function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const sent: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const name in members) {
    const value = members[name];
    if (isGiven(value)) sent[name] = value;
  }
  return sent;
}

function isGiven<T>(value: T): value is Exclude<T, undefined> {
  return value !== undefined;
}

function isSet(list: readonly string[]): boolean {
  return new Set(list).size === list.length;
}

// Names of this kind lead nowhere on the internet (RFC 2606, RFC 6762 and what clusters use).
const PRIVATE_SUFFIX = /\.(?:local|localhost|internal|intranet|lan|home|corp|svc|test|invalid|onion|arpa)$/;
const PUBLIC_NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

/** Whether a guest anywhere could open it. Only ever shown, never fetched. */
export function isPublicPage(text: string): boolean {
  // A control character or blank would be dropped by the parser, and the stored text be another address.
  if (text.length > 2048 || !/^https:\/\/[\x21-\x7e]+$/.test(text) || !URL.canParse(text)) return false;
  const { hostname, port, username, password } = new URL(text);
  if (port !== '' || username !== '' || password !== '') return false;
  return PUBLIC_NAME.test(hostname) && !PRIVATE_SUFFIX.test(hostname);
}
