import { createHash } from 'node:crypto';

// Copies on purpose: what the platform derives is not what it is measured by.

// Crockford's base32, lower case (github.com/jetify-com/typeid).
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** UUID → `pay_…`: the prefix and 26 letters of the 128 bits. */
export function toPublicId(prefix: string, uuid: string): string {
  let value = BigInt(`0x${uuid.replaceAll('-', '')}`);
  let text = '';
  for (let index = 0; index < 26; index += 1) {
    text = ALPHABET.charAt(Number(value & 31n)) + text;
    value >>= 5n;
  }
  return `${prefix}_${text}`;
}

/**
 * The operation that an Idempotency-Key names (docs/decisions/0013): SHA-256 over the parts, each after its length in bytes
 * and a colon; its first half as a UUID of version 8.
 */
export function operationOfKey(merchantId: string, mode: string, key: string): string {
  const parts = ['centra operation 1', merchantId, mode, 'POST /v1/charge', key];
  const digest = createHash('sha256');
  for (const part of parts) digest.update(`${Buffer.byteLength(part)}:${part}`);
  const bytes = digest.digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const PROVIDER_KEY =
  /^centra-(?<operation>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?<step>-card|-cancel|-expire)?$/;

/** Which operation a provider was asked for, and which step of it; undefined when the key is not one of ours. */
export function readProviderKey(key: string): { operationId: string; step: string } | undefined {
  const parts = PROVIDER_KEY.exec(key)?.groups;
  return parts?.['operation'] === undefined
    ? undefined
    : { operationId: parts['operation'], step: parts['step'] ?? '' };
}

/** The key that the built-in simulator hashes into a charge's reference: 24 hexadecimal digits. */
export function hashOfProviderKey(operationId: string): string {
  return createHash('sha256').update(`centra-${operationId}`).digest('hex').slice(0, 24);
}
