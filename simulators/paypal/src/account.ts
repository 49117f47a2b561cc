import { z } from 'zod';

/** What an app at PayPal may do unless an account says otherwise. */
const USUAL_SCOPES = [
  'openid',
  'https://uri.paypal.com/services/payments/realtimepayment',
  'https://uri.paypal.com/services/payments/payment/authcapture',
  'https://uri.paypal.com/services/payments/refund',
  'https://uri.paypal.com/services/disputes/read-seller',
  'https://uri.paypal.com/services/applications/webhooks',
];

const KEY = z.string().regex(/^[0-9A-Za-z_-]{40,128}$/);
const STATE = z.enum(['valid', 'revoked', 'insufficient', 'restricted']);

/** A REST app of a business account, at one of the two hosts. */
export const accountSchema = z.strictObject({
  name: z.string().min(1).max(100),
  mode: z.enum(['sandbox', 'live']).default('sandbox'),
  client_id: KEY,
  client_secret: KEY,
  /** `insufficient`: tokens without the scopes of payments. `restricted`: tokens, but no payment calls. */
  state: STATE.default('valid'),
  scopes: z.array(z.string().max(200)).max(50).default(USUAL_SCOPES),
});
export type Account = z.infer<typeof accountSchema>;

export const changeSchema = z.strictObject({ client_id: KEY, state: STATE });

export function findAccount(
  accounts: readonly Account[],
  { client_id }: { client_id: string },
): Account | undefined {
  return accounts.find((account) => account.client_id === client_id);
}

export function accountJson({ name, mode, client_id, state }: Account): Record<string, unknown> {
  return { name, mode, client_id, state };
}

/** The id that PayPal gives the app; it comes with every token. */
export function appId({ client_id }: Account): string {
  return `APP-${client_id
    .slice(-17)
    .toUpperCase()
    .replaceAll(/[^0-9A-Z]/g, '0')}`;
}

/** There from the start, for trying things by hand. */
export const DEMO_ACCOUNTS: readonly Account[] = [
  accountSchema.parse({
    name: 'Riad Demo',
    client_id: `A${'demo'.repeat(19)}aa1`,
    client_secret: `E${'demo'.repeat(19)}aa1`,
  }),
];
