import { hash } from 'node:crypto';

type Scope = {
  /** UUID. */
  merchantId: string;
  mode: 'test' | 'live';
  /** Method and path pattern, for example `POST /v1/charge`. */
  endpoint: string;
  /** The client's Idempotency-Key. */
  key: string;
};

// Keeps these hashes apart from any other use of SHA-256 over similar parts, and names the encoding.
const DOMAIN = 'centra operation 1';

/**
 * The one operation that an Idempotency-Key names: a UUID of version 8 (RFC 9562 §5.8) from SHA-256. The same key always
 * gives the same id, so that not even losing this service's database lets a repeated request charge twice.
 */
export function operationId(scope: Scope): string {
  const { merchantId, mode, endpoint, key } = scope;
  // Each part is preceded by its length in bytes: ("ab", "c") and ("a", "bc") must not meet.
  const encoded = [DOMAIN, merchantId, mode, endpoint, key]
    .map((part) => `${Buffer.byteLength(part)}:${part}`)
    .join('');
  const bytes = hash('sha256', encoded, 'buffer').subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
