/**
 * The gateway's variables that lift every rate limit, for where a few hotels at one address do the work of hundreds, and a 429
 * proves nothing about what is asked.
 */
export const NO_GATEWAY_LIMITS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'PAYMENTS_PER_SECOND',
    'PAYMENTS_PER_HOUR',
    'DEFAULT_PER_SECOND',
    'ADMIN_PER_SECOND',
    'PERSON_PER_SECOND',
    'CHECKOUT_PER_SECOND',
    'LOGINS_PER_MINUTE',
    'WEBHOOKS_PER_SECOND',
    'PAGES_PER_SECOND',
    'PUBLIC_PER_SECOND',
    'UNAUTHENTICATED_PER_MINUTE',
  ].map((name) => [`LIMIT_${name}`, '1000000']),
);
