import type { Request } from 'express';
import { refuseCardData } from '@centra/service-kit/card-data.ts';
import { AppError } from '@centra/service-kit/errors.ts';

const KEY = /^[\x20-\x7e]{1,255}$/;

/** The header that makes a charge safe to repeat; 400 when it is missing or not 1 to 255 printable ASCII characters. */
export function idempotencyKeyOf(request: Request): string {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || !KEY.test(key))
    throw new AppError('idempotency_key_invalid', {
      errors: [{ field: 'Idempotency-Key', reason: 'must be 1 to 255 printable ASCII characters' }],
    });
  refuseCardData(key, 'Idempotency-Key');
  return key;
}
