import { randomInt, randomUUID } from 'node:crypto';

/**
 * An id in Stripe's form: a prefix that names the object, then at most 32 random letters and digits.
 * A UUID is drawn from a pool of random bytes, which is many times cheaper than asking the system for each of the seven ids of a payment.
 */
export function newId(prefix: string, length = 24): string {
  return `${prefix}_${randomUUID().replaceAll('-', '').slice(0, length)}`;
}

/** `length` decimal digits, for codes that card networks hand out. */
export function digits(length: number): string {
  return Array.from({ length }, () => randomInt(10)).join('');
}

/** 58 random letters and digits behind Stripe's `cs_test_`: whoever has the id of a session can pay it, so nobody may guess one. */
export function newSessionId(livemode: boolean): string {
  const random = `${randomUUID()}${randomUUID()}`.replaceAll('-', '');
  return `cs_${livemode ? 'live' : 'test'}_a1${random.slice(0, 56)}`;
}
