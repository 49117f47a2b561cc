import { randomInt } from 'node:crypto';
import { AppError } from '@centra/service-kit/errors.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import bcrypt from 'bcrypt';

export type PasswordHasher = {
  /** bcrypt at the configured cost, in libuv's threads. Throws `unavailable` (503) when too many wait already. */
  hash(password: string): Promise<string>;
  /**
   * Whether the password is the hash's. Without a hash it does the same work and answers false, so that an account that
   * does not exist takes as long as a wrong password. Throws `unavailable` (503) when too many wait already.
   */
  matches(password: string, hash: string | undefined): Promise<boolean>;
  /** Whether the hash was made at another cost than the configured one. */
  isOutdated(hash: string): boolean;
};

/** bcrypt looks at no more than this and would take two passwords that begin alike for one. */
export const PASSWORD_BYTES_MAX = 72;

// libuv has four threads unless told otherwise; DNS and files need one while everybody logs in.
const AT_ONCE_MAX = 3;
// At a cost of 12 a hash takes about a quarter of a second: who came last waits some 6 s, and nobody waits longer than that.
const WAITING_MAX = 64;
const RETRY_AFTER_S = 5;

export function createPasswordHasher(options: { cost: number; metrics?: Metrics }): PasswordHasher {
  const gate = createGate();
  const nobody = hashOfNobody(options.cost);
  const work = options.metrics?.counter(
    'centra_auth_password_work_total',
    'Slow hashes computed, to store a password or to compare one',
    ['kind'],
  );
  return {
    hash: (password) =>
      gate(() => {
        work?.inc({ kind: 'hash' });
        return bcrypt.hash(oneSpelling(password), options.cost);
      }),
    matches: (password, hash) =>
      gate(async () => {
        work?.inc({ kind: 'compare' });
        const equal = await bcrypt.compare(oneSpelling(password), hash ?? nobody);
        return equal && hash !== undefined && isWhole(password);
      }),
    isOutdated: (hash) => bcrypt.getRounds(hash) !== options.cost,
  };
}

/** Keyboards differ in how they write one letter; NIST SP 800-63B-4 §3.1.1.2 asks for NFKC or NFKD before hashing. */
export function oneSpelling(password: string): string {
  return password.normalize('NFKC');
}

/** Whether bcrypt saw all of it. A longer one was never set, but begins like one that was. */
function isWhole(password: string): boolean {
  return Buffer.byteLength(oneSpelling(password)) <= PASSWORD_BYTES_MAX && !password.includes('\0');
}

const BCRYPT_ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A hash that nobody has the password of: 22 letters of salt and 31 of hash. */
function hashOfNobody(cost: number): string {
  const letters = Array.from({ length: 53 }, () => BCRYPT_ALPHABET.charAt(randomInt(64)));
  return `$2b$${String(cost).padStart(2, '0')}$${letters.join('')}`;
}

type Gate = <T>(work: () => Promise<T>) => Promise<T>;

/** Lets a few through at once and the others wait their turn, up to a limit. */
function createGate(): Gate {
  const waiting: (() => void)[] = [];
  let running = 0;
  const enter = async (): Promise<void> => {
    if (running < AT_ONCE_MAX) {
      running += 1;
      return;
    }
    if (waiting.length >= WAITING_MAX)
      throw new AppError('unavailable', {
        internal: 'too many passwords wait to be hashed',
        retryAfterSeconds: RETRY_AFTER_S,
      });
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    // The place is handed on, so that nobody who comes just now takes it from whoever waits.
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  };
  return async (work) => {
    await enter();
    try {
      return await work();
    } finally {
      leave();
    }
  };
}
