import { startLoop } from '@centra/service-kit/loop.ts';
import type { Loop } from '@centra/service-kit/loop.ts';
import type { Context } from '../context.ts';
import { remindOfHold } from '../payments/corrections.ts';
import { PAYMENT_COLUMNS, toPayment } from '../payments/payment.ts';
import type { PaymentRow } from '../payments/payment.ts';
import { endOverdueHolds, HOLDS_AT_ONCE, holdOrigin } from './end-holds.ts';

/** Watches open holds: reminds the hotel before one lapses, and brings those past their deadline to their end. */
export function startHoldWatcher(context: Context): Loop {
  const options = { name: 'watch-holds', intervalMs: context.config.holdIntervalMs, log: context.log };
  return startLoop(options, async () => {
    const ended = await endOverdueHolds(context);
    const reminded = await remindOfHolds(context);
    return { more: reminded === HOLDS_AT_ONCE || ended === HOLDS_AT_ONCE };
  });
}

/** Tells of holds that lapse within the configured time, by the database's clock; answers how many it told of. */
export async function remindOfHolds(context: Context): Promise<number> {
  const { rows } = await context.pool.query<PaymentRow>({
    name: 'holds-to-remind-of',
    text: `
      select ${PAYMENT_COLUMNS} from payments p
       where p.hold_open and p.hold_expires_at > now() and p.hold_reminded_at is null
         and p.hold_expires_at <= now() + make_interval(secs => $2::float8 / 1000)
       order by p.hold_expires_at limit $1`,
    values: [HOLDS_AT_ONCE, context.config.holdReminderMs],
  });
  // Two watchers may read the same row; the reminder itself is written once.
  const told = await Promise.all(
    rows.map(async (row) => {
      try {
        return (await remindOfHold(context, toPayment(row), holdOrigin('reminder'))) === 'done' ? 1 : 0;
      } catch (error) {
        context.log.error({ err: error, paymentId: row.id }, 'a hotel could not be reminded of a hold');
        return 0;
      }
    }),
  );
  return told.reduce<number>((sum, one) => sum + one, 0);
}
