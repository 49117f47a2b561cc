import { hash } from 'node:crypto';

type Scope = {
  /** UUID. */
  merchantId: string;
  mode: 'test' | 'live';
  /** The client's Idempotency-Key. */
  key: string;
};

// Keeps these hashes apart from any other use of SHA-256 over similar parts, and names the encoding.
const DOMAIN = 'centra operation 1';
// Charges were once alone, and their endpoint was a part. It stands for every endpoint now, so that the ids given out
// then are found again.
const EVERY_ENDPOINT = 'POST /v1/charge';

/**
 * The one operation that an Idempotency-Key names: a UUID of version 8 (RFC 9562 §5.8) from SHA-256. The same key always
 * gives the same id, so that not even losing this service's database lets a repeated request charge twice. All endpoints
 * share it, over HTTP and gRPC: a key that is used again for something else meets the first operation and is refused by
 * its fingerprint (reliability row 20).
 */
export function operationId(scope: Scope): string {
  const { merchantId, mode, key } = scope;
  // Each part is preceded by its length in bytes: ("ab", "c") and ("a", "bc") must not meet.
  const encoded = [DOMAIN, merchantId, mode, EVERY_ENDPOINT, key]
    .map((part) => `${Buffer.byteLength(part)}:${part}`)
    .join('');
  const bytes = hash('sha256', encoded, 'buffer').subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
