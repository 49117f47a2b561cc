import type { CardFeatures } from '../charges/card-features.ts';

/** One API key of an account. Only its hash is kept. */
export type AccountKey = {
  hash: string;
  livemode: boolean;
  /** Stripe's permission names (`rak_payment_intent_write`); null = everything. */
  permissions: string[] | null;
  revoked: boolean;
};

export type Account = {
  id: string;
  name: string;
  /** Whether Stripe has allowed this account to send card numbers from its server. */
  rawCardData: boolean;
  /** What Stripe has switched on for card authorisations; absent = everything. */
  cardFeatures?: CardFeatures;
  createdSeconds: number;
  keys: AccountKey[];
};

/** A write permission includes reading. */
export function isPermitted(key: AccountKey, permission: string): boolean {
  if (!key.permissions) return true;
  return (
    key.permissions.includes(permission) || key.permissions.includes(permission.replace(/_read$/, '_write'))
  );
}

/** The key as Stripe repeats it in messages: its prefix, stars, and its last four characters. */
export function maskKey(secretKey: string): string {
  const prefix = /^[a-z]+_(?:test|live)_/.exec(secretKey)?.[0] ?? '';
  const rest = secretKey.slice(prefix.length);
  return `${prefix}${'*'.repeat(Math.min(Math.max(rest.length - 4, 0), 24))}${rest.slice(-4)}`;
}
