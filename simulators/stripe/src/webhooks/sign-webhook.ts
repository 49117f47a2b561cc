import { createHmac } from 'node:crypto';

/**
 * The `Stripe-Signature` header: HMAC-SHA256 over `t.body`, keyed with the whole `whsec_…` text.
 * `seconds` is Unix time; receivers refuse a signature that is more than five minutes old.
 */
export function signWebhook(secret: string, body: string, seconds: number): string {
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${signature}`;
}
