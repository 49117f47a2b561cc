import { createHmac, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

// 64 bits: equal secrets of one hotel are recognised, and nothing can be tried out without the key.
const FINGERPRINT_BYTES = 8;

/**
 * A keyed mark of a secret: HMAC-SHA-256 under a key derived from the hotel's data key (RFC 5869), so the same secret at
 * two hotels has two marks. It changes when the data key is replaced; the loop that seals again also marks again.
 */
export function fingerprintOf(dataKey: KeyObject, secret: string): string {
  const markKey = hkdfSync('sha256', dataKey, '', 'centra/merchant/secret-fingerprint/v1', 32);
  const mac = createHmac('sha256', Buffer.from(markKey)).update(secret, 'utf8').digest();
  return mac.subarray(0, FINGERPRINT_BYTES).toString('hex');
}
