import { envInteger } from '@centra/service-kit/env.ts';
import type { Env } from '@centra/service-kit/env.ts';

export type LimitName =
  | 'payments'
  | 'default'
  | 'admin'
  | 'webhooks'
  | 'pages'
  | 'public'
  | 'unauthenticated';

/** So many requests within so many seconds, counted from the first of them. */
export type Window = { name: string; quota: number; seconds: number };

export type Limit = {
  name: LimitName;
  /** Counted in this order; the first that is full refuses, and the later ones then do not count the request. */
  windows: readonly Window[];
  /** The RateLimit-Policy header (draft-ietf-httpapi-ratelimit-headers). */
  policy: string;
};

export type Limits = Readonly<Record<LimitName, Limit>>;

const QUOTA_MAX = 1_000_000;

/** Reads the one table of limits: the first three are per merchant, the others per address. */
export function envToLimits(env: Env): Limits {
  const quota = (variable: string, fallback: number): number =>
    envInteger(env, variable, fallback, 1, QUOTA_MAX);
  return {
    // What a large hotel's busiest minute needs ten times over; the hour bounds what a stolen key can do unseen.
    payments: limit('payments', [
      { name: 'payments', quota: quota('LIMIT_PAYMENTS_PER_SECOND', 20), seconds: 1 },
      { name: 'payments-hour', quota: quota('LIMIT_PAYMENTS_PER_HOUR', 10_000), seconds: 3_600 },
    ]),
    // Reads are cheap, and a booking engine polls.
    default: limit('default', [
      { name: 'default', quota: quota('LIMIT_DEFAULT_PER_SECOND', 100), seconds: 1 },
    ]),
    // Settings are changed by people and by scripts of people.
    admin: limit('admin', [{ name: 'admin', quota: quota('LIMIT_ADMIN_PER_SECOND', 10), seconds: 1 }]),
    // Events of one account from one address. A busy day's payout of refunds comes in bursts, and a provider sends again.
    webhooks: limit('webhooks', [
      { name: 'webhooks', quota: quota('LIMIT_WEBHOOKS_PER_SECOND', 100), seconds: 1 },
    ]),
    // One page, looked at and answered by one guest.
    pages: limit('pages', [{ name: 'pages', quota: quota('LIMIT_PAGES_PER_SECOND', 10), seconds: 1 }]),
    // All that one address asks without a credential: a provider sends for all its hotels from a few addresses.
    public: limit('public', [{ name: 'public', quota: quota('LIMIT_PUBLIC_PER_SECOND', 500), seconds: 1 }]),
    // Refused credentials, per address: slows whoever tries keys. A valid key is never counted here.
    unauthenticated: limit('unauthenticated', [
      { name: 'unauthenticated', quota: quota('LIMIT_UNAUTHENTICATED_PER_MINUTE', 20), seconds: 60 },
    ]),
  };
}

function limit(name: LimitName, windows: readonly Window[]): Limit {
  return {
    name,
    windows,
    policy: windows.map((each) => `"${each.name}";q=${each.quota};w=${each.seconds}`).join(', '),
  };
}
