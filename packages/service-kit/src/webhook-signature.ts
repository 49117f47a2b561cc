import { createHmac, randomBytes } from 'node:crypto';
import { Secret } from './secret.ts';

/** One delivery to a webhook endpoint, as it goes over the wire. */
export type SignedMessage = {
  /** Stays the same when the delivery is tried again: receivers drop what they have had. */
  id: string;
  /** When this try was made; receivers refuse old ones, so that nobody can play one back. */
  at: Date;
  /** The body, byte for byte as it is sent (UTF-8). */
  body: string;
};

// The prefix by which people and scanners recognise such a secret (Standard Webhooks 1.0).
const PREFIX = 'whsec_';
// 24 to 64 are allowed; 32 is what HMAC-SHA-256 makes full use of.
const SECRET_BYTES = 32;

/** A new signing secret: `whsec_` and 256 random bits in base64. */
export function newWebhookSecret(): Secret {
  return new Secret(`${PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`);
}

/**
 * The headers of a delivery after Standard Webhooks 1.0: one signature for each secret that is valid, so that a receiver
 * with either of them can verify while one is being replaced.
 */
export function webhookHeaders(message: SignedMessage, secrets: readonly Secret[]): Record<string, string> {
  if (secrets.length === 0) throw new Error('a delivery needs a secret to be signed with');
  const timestamp = String(Math.floor(message.at.getTime() / 1000));
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map((secret) => signature(message, timestamp, secret)).join(' '),
  };
}

function signature({ id, body }: SignedMessage, timestamp: string, secret: Secret): string {
  // A dot in the id could move the border between the parts: one signature would then fit two messages.
  if (id.includes('.')) throw new Error('the id of a delivery must not contain a dot');
  const mac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`, 'utf8');
  return `v1,${mac.digest('base64')}`;
}

function keyOf(secret: Secret): Buffer {
  const text = secret.reveal();
  const key = Buffer.from(text.startsWith(PREFIX) ? text.slice(PREFIX.length) : '', 'base64');
  if (key.length < 24 || key.length > 64) throw new Error('this is no webhook secret');
  return key;
}
