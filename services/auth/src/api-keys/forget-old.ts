import type { Pool } from '@centra/service-kit/database.ts';
import { startLoop } from '@centra/service-kit/loop.ts';
import type { Loop } from '@centra/service-kit/loop.ts';
import type { Context } from '../context.ts';

// Nothing waits for it; old rows only take space.
const INTERVAL_MS = 600_000;
// Small enough that a round locks little, large enough to overtake what a busy day leaves behind.
const BATCH_MAX = 1_000;

/** Deletes what is of no use any more, until stopped. Any number of processes may do so at once. */
export function startForgetOld(context: Pick<Context, 'pool' | 'log'>): Loop {
  const { pool, log } = context;
  return startLoop({ name: 'forget-old', intervalMs: INTERVAL_MS, log }, async () => {
    const reports = await deleteBatch(pool, FORGET_REPORTS);
    const guards = await deleteBatch(pool, FORGET_GUARDS);
    const invitations = await deleteBatch(pool, FORGET_INVITATIONS);
    const mails = await deleteBatch(pool, FORGET_INVITATION_MAILS);
    return { more: [reports, guards, invitations, mails].includes(BATCH_MAX) };
  });
}

async function deleteBatch(pool: Pool, text: string): Promise<number> {
  return (await pool.query(text, [BATCH_MAX])).rowCount ?? 0;
}

// A reporter gives a report up long before.
const FORGET_REPORTS = `
delete from usage_reports where id in (
  select id from usage_reports where received_at < now() - interval '1 day'
  order by received_at limit $1 for update skip locked)`;

// A lock that still holds stays, however long ago the last failure was.
const FORGET_GUARDS = `
delete from login_guards where account_hash in (
  select account_hash from login_guards
  where last_failed_at < now() - interval '1 day' and (locked_until is null or locked_until < now())
  order by last_failed_at limit $1 for update skip locked)`;

// Half a year in the list of a hotel, however they ended; the audit trail says the rest.
const FORGET_INVITATIONS = `
delete from invitations where (merchant_id, id) in (
  select merchant_id, id from invitations where expires_at < now() - interval '180 days'
  order by expires_at limit $1 for update skip locked)`;

// They count for an hour.
const FORGET_INVITATION_MAILS = `
delete from invitation_mails where (address_hash, asked_at) in (
  select address_hash, asked_at from invitation_mails where asked_at < now() - interval '1 day'
  order by asked_at limit $1 for update skip locked)`;
