import type { PlatformOptions } from '@centra/dev/platform.ts';
import { IMPATIENT } from './platform-under-test.ts';

const QUOTAS = [
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
];

/**
 * The platform's variables that lift every rate limit: here one address does the work of hundreds, and a 429 proves nothing about
 * what is asked. Passwords are hashed as cheaply as is allowed.
 */
export const NO_LIMITS: NonNullable<PlatformOptions['env']> = {
  transaction: IMPATIENT,
  'api-gateway': Object.fromEntries(QUOTAS.map((name) => [`LIMIT_${name}`, '1000000'])),
  auth: { LIMIT_LOGINS_PER_MINUTE: '10000', BCRYPT_COST: '10' },
};
