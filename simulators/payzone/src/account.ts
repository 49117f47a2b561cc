import { z } from 'zod';

const STATE = z.enum(['valid', 'revoked']);
const text = (max: number) => z.string().min(1).max(max);

const payzoneSchema = z.strictObject({
  provider: z.literal('payzone'),
  mode: z.enum(['sandbox', 'live']).default('sandbox'),
  merchant_account: text(64),
  caller_name: text(64),
  caller_password: text(255),
  state: STATE.default('valid'),
});
const cmiSchema = z.strictObject({
  provider: z.literal('cmi'),
  mode: z.enum(['sandbox', 'live']).default('sandbox'),
  client_id: z.string().regex(/^\d{6,15}$/),
  api_user: text(64),
  api_password: text(64),
  state: STATE.default('valid'),
});

export type PayzoneAccount = z.infer<typeof payzoneSchema>;
export type CmiAccount = z.infer<typeof cmiSchema>;

/** A merchant at Payzone or at CMI, on the test or the live platform. */
export const accountSchema = z.discriminatedUnion('provider', [payzoneSchema, cmiSchema]);
export type Account = z.infer<typeof accountSchema>;

const keySchema = z.union([
  z.object({ merchant_account: text(64), client_id: z.undefined().optional() }),
  z.object({ client_id: text(15), merchant_account: z.undefined().optional() }),
]);
export const changeSchema = z.intersection(keySchema, z.object({ state: STATE }));

type Key = { merchant_account?: string | undefined; client_id?: string | undefined };

/** The account of that name at Payzone, or of that number at CMI. */
export function findAccount(accounts: readonly Account[], key: Key): Account | undefined {
  return accounts.find((account) =>
    account.provider === 'cmi'
      ? account.client_id === key.client_id
      : account.merchant_account === key.merchant_account,
  );
}

export function accountJson(account: Account): Record<string, unknown> {
  const { provider, mode, state } = account;
  const name =
    account.provider === 'cmi'
      ? { client_id: account.client_id }
      : { merchant_account: account.merchant_account };
  return { provider, mode, state, ...name };
}

/** There from the start, for trying things by hand. */
export const DEMO_ACCOUNTS: readonly Account[] = [
  accountSchema.parse({
    provider: 'payzone',
    merchant_account: 'riad_demo',
    caller_name: 'riad_demo_api',
    caller_password: 'demo-caller-password',
  }),
  accountSchema.parse({
    provider: 'cmi',
    client_id: '600000001',
    api_user: 'riad_api',
    api_password: 'demo-api-password',
  }),
];
