import { NO_GATEWAY_LIMITS } from '@centra/dev/no-limits.ts';
import type { PlatformOptions } from '@centra/dev/platform.ts';
import { IMPATIENT } from './platform-under-test.ts';

/**
 * The platform's variables that lift every rate limit: here one address does the work of hundreds, and a 429 proves nothing about
 * what is asked. Passwords are hashed as cheaply as is allowed.
 */
export const NO_LIMITS: NonNullable<PlatformOptions['env']> = {
  transaction: IMPATIENT,
  'api-gateway': NO_GATEWAY_LIMITS,
  auth: { LIMIT_LOGINS_PER_MINUTE: '10000', BCRYPT_COST: '10' },
};
