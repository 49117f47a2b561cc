import type { Work } from '../store/work.ts';
import { releaseHold } from './release-hold.ts';

/**
 * The network's window has closed. Stripe's reason is `expired` since API version 2025-03-31, where it had been `automatic`;
 * what was captured in part stays captured.
 */
export function expireHold(work: Work, id: string): void {
  const record = work.mode.paymentIntents.get(id);
  if (record?.intent.status === 'requires_capture') releaseHold(work, record, 'expired', { expired: true });
}
