import { envInteger } from '@centra/service-kit/env.ts';
import type { Env } from '@centra/service-kit/env.ts';

export type LimitName =
  | 'payments'
  | 'default'
  | 'admin'
  | 'person'
  | 'checkout'
  | 'logins'
  | 'webhooks'
  | 'pages'
  | 'public'
  | 'unauthenticated';

/** So many requests within so many seconds, counted from the first of them. */
export type Window = { name: string; quota: number; seconds: number };

/** Whose requests are counted together. `page`: what one address asks for at one path. */
export type CountedPer = 'merchant' | 'person' | 'object' | 'address' | 'page';

export type Limit = {
  name: LimitName;
  per: CountedPer;
  /** Counted in this order; the first that is full refuses, and the later ones then do not count the request. */
  windows: readonly Window[];
  /** The RateLimit-Policy header (draft-ietf-httpapi-ratelimit-headers). */
  policy: string;
};

export type Limits = Readonly<Record<LimitName, Limit>>;

const QUOTA_MAX = 1_000_000;

/** Reads the one table of limits: the platform's own. A hotel may have others in place of those per merchant. */
export function envToLimits(env: Env): Limits {
  const quota = (variable: string, fallback: number): number =>
    envInteger(env, variable, fallback, 1, QUOTA_MAX);
  return {
    // What a large hotel's busiest minute needs ten times over; the hour bounds what a stolen key can do unseen.
    payments: limit('payments', 'merchant', [
      { name: 'payments', quota: quota('LIMIT_PAYMENTS_PER_SECOND', 20), seconds: 1 },
      { name: 'payments-hour', quota: quota('LIMIT_PAYMENTS_PER_HOUR', 10_000), seconds: 3_600 },
    ]),
    // Reads are cheap, and a booking engine polls.
    default: limit('default', 'merchant', [
      { name: 'default', quota: quota('LIMIT_DEFAULT_PER_SECOND', 100), seconds: 1 },
    ]),
    // Settings are changed by people and by scripts of people.
    admin: limit('admin', 'merchant', [
      { name: 'admin', quota: quota('LIMIT_ADMIN_PER_SECOND', 10), seconds: 1 },
    ]),
    // What people do with their own account: each of them, at all replicas together.
    person: limit('person', 'person', [
      { name: 'person', quota: quota('LIMIT_PERSON_PER_SECOND', 10), seconds: 1 },
    ]),
    // One guest's page that looks whether the bank has answered.
    checkout: limit('checkout', 'object', [
      { name: 'checkout', quota: quota('LIMIT_CHECKOUT_PER_SECOND', 5), seconds: 1 },
    ]),
    // Log-ins, registrations, refreshes and resets from one address, all of them together, so that nobody who guesses gets
    // a new count at the next path: a hotel's whole shift behind one router, not a list of passwords. Auth counts each
    // account besides.
    logins: limit('logins', 'address', [
      { name: 'logins', quota: quota('LIMIT_LOGINS_PER_MINUTE', 60), seconds: 60 },
    ]),
    // Events of one account from one address. A busy day's payout of refunds comes in bursts, and a provider sends again.
    webhooks: limit('webhooks', 'page', [
      { name: 'webhooks', quota: quota('LIMIT_WEBHOOKS_PER_SECOND', 100), seconds: 1 },
    ]),
    // One page, looked at and answered by one guest.
    pages: limit('pages', 'page', [
      { name: 'pages', quota: quota('LIMIT_PAGES_PER_SECOND', 10), seconds: 1 },
    ]),
    // All that one address asks without a credential: a provider sends for all its hotels from a few addresses.
    public: limit('public', 'address', [
      { name: 'public', quota: quota('LIMIT_PUBLIC_PER_SECOND', 500), seconds: 1 },
    ]),
    // Refused credentials, per address: slows whoever tries keys. A valid key is never counted here.
    unauthenticated: limit('unauthenticated', 'address', [
      { name: 'unauthenticated', quota: quota('LIMIT_UNAUTHENTICATED_PER_MINUTE', 20), seconds: 60 },
    ]),
  };
}

/**
 * The table for one hotel: windows per merchant have its own quotas, by their names. Names that are none of these, and
 * quotas outside 1 to 1,000,000, change nothing.
 */
export function withQuotas(
  limits: Limits,
  own: readonly { readonly name: string; readonly quota: number }[],
): Limits {
  const quotas = new Map(own.filter(isQuota).map(({ name, quota }) => [name, quota]));
  if (quotas.size === 0) return limits;
  const changed = { ...limits };
  for (const { name, per, windows } of Object.values(limits))
    if (per === 'merchant')
      changed[name] = limit(
        name,
        per,
        windows.map((window) => ({ ...window, quota: quotas.get(window.name) ?? window.quota })),
      );
  return changed;
}

function isQuota({ quota }: { readonly quota: number }): boolean {
  return Number.isInteger(quota) && quota >= 1 && quota <= QUOTA_MAX;
}

function limit(name: LimitName, per: CountedPer, windows: readonly Window[]): Limit {
  return {
    name,
    per,
    windows,
    policy: windows.map((each) => `"${each.name}";q=${each.quota};w=${each.seconds}`).join(', '),
  };
}
