import type { Plant } from '../plant.ts';

/** Captured never above authorised, refunded never above captured, and holds that end when the provider says (P4, P17). */
export const LIMIT_PLANTS: readonly Plant[] = [
  {
    name: 'refund-bound-by-authorised',
    why: 'reliability row 42, I7: more is given back than was collected',
    edits: [
      {
        file: 'services/transaction/src/payments/refund.ts',
        find: 'const LEFT = `p.captured_minor -',
        replace: 'const LEFT = `p.authorized_minor -',
      },
    ],
    suite: {
      file: 'services/transaction/src/payments/refund.test.ts',
      test: 'of a hold that is captured in part only the captured part is given back, and the hold stays open',
    },
  },
  {
    name: 'refund-read-then-written',
    why: 'reliability rule 5, row 42: of two refunds at once both read that enough is left',
    edits: [
      {
        file: 'services/transaction/src/payments/refund.ts',
        find: 'and coalesce($5::bigint, ${LEFT}) between 1 and ${LEFT}`,',
        replace: 'and coalesce($5::bigint, ${LEFT}) >= 1`,',
      },
      {
        file: 'services/transaction/src/payments/refund.ts',
        find: '    const { capabilities } = provider;\n',
        replace: `    const { capabilities } = provider;
    if ((money?.amountMinor ?? 0n) > refundableMinor(payment)) throw new AppError('amount_exceeds_captured');
`,
      },
    ],
    suite: {
      file: 'services/transaction/src/payments/refund.test.ts',
      test: '42: of two refunds of 60 out of 100 at once one is made and the other is amount_exceeds_captured',
    },
  },
  {
    name: 'capture-ignores-pending',
    why: 'reliability rule 5, rows 16 and 41, I6: a capture whose outcome is open does not count as used',
    edits: [
      {
        file: 'services/transaction/src/payments/capture.ts',
        find: 'const LEFT = `p.authorized_minor - p.captured_minor - p.capture_pending_minor`;',
        replace: 'const LEFT = `p.authorized_minor - p.captured_minor`;',
      },
    ],
    suite: {
      file: 'services/transaction/src/payments/capture.test.ts',
      test: 'while its outcome is unknown a capture counts as used, and the last one lets nothing beside it',
    },
  },
  {
    name: 'void-ignores-pending-capture',
    why: 'reliability row 41, I8: a hold is released while a capture of it is under way',
    edits: [
      {
        file: 'services/transaction/src/payments/void.ts',
        find: 'and p.busy_operation_id is null and p.capture_pending_minor = 0 and $5::bigint is null',
        replace: 'and p.busy_operation_id is null and $5::bigint is null',
      },
    ],
    suite: {
      file: 'services/transaction/src/payments/capture.test.ts',
      test: 'while its outcome is unknown a capture counts as used, and the last one lets nothing beside it',
    },
  },
  {
    name: 'held-as-asked-not-as-approved',
    why: 'reliability I2, I6: the bank approved half, and the whole is thought to be held',
    edits: [
      {
        file: 'services/transaction/src/payments/outcome-transition.ts',
        find: 'const done = outcome.amountMinor ?? money.amountMinor;',
        replace: 'const done = money.amountMinor;',
      },
    ],
    suite: {
      file: 'services/transaction/src/payments/capture.test.ts',
      test: 'a partial approval is held, and captured, for what the bank approved',
    },
  },
  {
    name: 'hold-ended-by-our-own-clock',
    why: 'reliability rule 10, row 52, P17, I26: a process whose clock is 8 days ahead ends holds early',
    edits: [
      {
        file: 'services/transaction/src/holds/end-holds.ts',
        find: 'where hold_open and coalesce(hold_due_at, hold_expires_at) <= now()',
        replace: 'where hold_open and coalesce(hold_due_at, hold_expires_at) <= $4',
      },
      {
        file: 'services/transaction/src/holds/end-holds.ts',
        find: 'values: [HOLDS_AT_ONCE, LOOK_AGAIN_MIN_MS, LOOK_AGAIN_MAX_MS],',
        replace: 'values: [HOLDS_AT_ONCE, LOOK_AGAIN_MIN_MS, LOOK_AGAIN_MAX_MS, new Date()],',
      },
    ],
    suite: {
      file: 'services/transaction/src/holds/end-holds.test.ts',
      test: 'P17, I26: neither a wrong deadline of ours nor a clock 8 days off ends a hold before the provider does',
    },
  },
  {
    name: 'capture-deadline-by-our-own-clock',
    why: 'reliability rule 10, P17, I26: a process whose clock is behind captures a hold that the provider let go of',
    edits: [
      {
        file: 'services/transaction/src/payments/capture.ts',
        find: 'and (p.hold_expires_at is null or p.hold_expires_at > now())',
        replace: '',
      },
      {
        file: 'services/transaction/src/payments/capture.ts',
        find: '    const { capabilities } = provider;\n',
        replace: `    const { capabilities } = provider;
    if ((payment.hold?.expiresAt?.getTime() ?? Infinity) <= Date.now()) throw new AppError('hold_expired');
`,
      },
    ],
    suite: {
      file: 'services/transaction/src/payments/capture.test.ts',
      test: 'P17: whether a hold can still be captured is decided by the time of the database, whatever our own clock says',
    },
  },
];
