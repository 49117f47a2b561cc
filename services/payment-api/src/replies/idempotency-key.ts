import type { Request } from 'express';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import { AppError } from '@centra/service-kit/errors.ts';

const KEY = /^[\x20-\x7e]{1,255}$/;

/** The header that makes a request safe to repeat; 400 when it is missing or not 1 to 255 printable ASCII characters. */
export function idempotencyKeyOf(request: Request): string {
  return checkIdempotencyKey(request.headers['idempotency-key'], 'Idempotency-Key');
}

/** The same for a key that came another way; `field` names it in the refusal. */
export function checkIdempotencyKey(key: unknown, field: string): string {
  if (typeof key !== 'string' || !KEY.test(key))
    throw new AppError('idempotency_key_invalid', {
      errors: [{ field, reason: 'must be 1 to 255 printable ASCII characters' }],
    });
  refuseCardData(key, field);
  return key;
}
