import type { Plant } from '../plant.ts';

const STRIPE_ERRORS = 'services/transaction/src/providers/stripe/stripe-errors.ts';
const ONLY_EXPLICIT_WORDS = {
  file: 'services/transaction/src/providers/stripe/stripe-errors.test.ts',
  test: 'nothing but an explicit refusal or a connection that was never made ends an operation',
} as const;

/** Outcomes that were lost are found out, never guessed, by one holder at a time and under one key (P2, P3). */
export const UNKNOWN_PLANTS: readonly Plant[] = [
  {
    name: 'no-lease-fence',
    why: 'reliability rule 6, row 13: a holder that slept past its lease overwrites what the next one found',
    edits: [
      {
        file: 'services/transaction/src/payments/transition.ts',
        find: 'where o.merchant_id = i.merchant_id and o.id = i.operation_id and o.attempt = i.attempt',
        replace: 'where o.merchant_id = i.merchant_id and o.id = i.operation_id',
      },
    ],
    suite: {
      file: 'services/transaction/src/operations/several-sweepers.test.ts',
      test: '13: a late holder writes nothing, neither while the next holder works nor after it',
    },
  },
  {
    name: 'claim-without-a-lock',
    why: 'reliability row 14: two sweepers take the same operation at the same moment',
    edits: [
      {
        file: 'services/transaction/src/operations/operation.ts',
        find: `order by due_at limit $1
           for update skip locked`,
        replace: 'order by due_at limit $1',
      },
    ],
    suite: {
      file: 'services/transaction/src/operations/several-sweepers.test.ts',
      test: '14: claims made at the same moment never share an operation',
    },
  },
  {
    name: 'timeout-is-declined',
    why: 'reliability rule 3, row 5: the guest pays again for what was collected',
    edits: [
      {
        file: STRIPE_ERRORS,
        find: `: { kind: 'unknown', reason: facts.summary, ...reference };
  // Stripe answered`,
        replace: `: { kind: 'declined', failure: failureOf('processing_error'), ...reference };
  // Stripe answered`,
      },
    ],
    suite: ONLY_EXPLICIT_WORDS,
  },
  {
    name: 'server-error-is-declined',
    why: 'reliability rule 3, row 7: a 500 after the effect ends the operation as not done',
    edits: [
      {
        file: STRIPE_ERRORS,
        find: 'if (facts.status >= 400 && facts.status < 500)\n',
        replace: 'if (facts.status >= 400)\n',
      },
    ],
    suite: ONLY_EXPLICIT_WORDS,
  },
  {
    name: 'timeout-is-not-sent',
    why: 'reliability rule 3, row 5: 503 for a charge that was made',
    edits: [{ file: STRIPE_ERRORS, find: `'EAI_AGAIN']`, replace: `'EAI_AGAIN', 'ETIMEDOUT']` }],
    suite: {
      file: 'services/transaction/src/providers/stripe/stripe-errors.test.ts',
      test: '{"connectionCode":"ETIMEDOUT"} is unknown',
      written: `[{ connectionCode: 'ETIMEDOUT' }, 'unknown'],`,
    },
  },
  {
    name: 'unauthorised-repeat-is-declined',
    why: 'reliability row 57: a revoked key answers the repeated call, and that is taken for the first one’s outcome',
    edits: [
      {
        file: STRIPE_ERRORS,
        find: `failure: failureOf('provider_credentials_rejected'), beforeCharge: true }`,
        replace: `failure: failureOf('provider_credentials_rejected') }`,
      },
    ],
    suite: {
      file: 'services/transaction/src/operations/follow-up-credentials.test.ts',
      test: 'in doubt whose key is revoked stays in doubt, with what it reserved, and somebody is told',
    },
  },
  {
    name: 'unknown-refund-frees-its-amount',
    why: 'reliability rule 5, row 16, I7: while a refund is in doubt its amount can be given back once more',
    edits: [
      {
        file: 'services/transaction/src/payments/outcome-transition.ts',
        find: `        unknownReason: outcome.reason.slice(0, 500),
        mayHaveCharged: true,`,
        replace: `        ...(operation.kind === 'refund'
          ? released('payment.refund_failed', { refundPending: -operation.money.amountMinor })
          : {}),
        unknownReason: outcome.reason.slice(0, 500),
        mayHaveCharged: true,`,
      },
    ],
    suite: {
      file: 'services/transaction/src/operations/settle-unknown-operation.test.ts',
      test: '16: a refund in doubt that a person saw at the provider counts as given back',
    },
  },
  {
    name: 'absence-by-one-lookup',
    why: 'reliability rows 6 and 8: 404 right after a create is taken for proof',
    edits: [
      {
        file: 'services/transaction/src/operations/resolve-unknown.ts',
        find: 'if (timing.absentForMs !== undefined && timing.absentForMs >= ABSENCE_PROOF_MS) {',
        replace: 'if (timing.absentForMs === undefined || timing.absentForMs >= ABSENCE_PROOF_MS) {',
      },
    ],
    suite: {
      file: 'services/transaction/src/operations/resolve-absence.test.ts',
      test: '6: absence is proven by two empty lookups at least a minute apart, and then the payment fails as not charged',
    },
  },
  {
    name: 'resend-up-to-the-last-minute',
    why: 'reliability row 9: the provider forgets the key a moment before our clock says so, and charges anew',
    edits: [
      {
        file: 'services/transaction/src/operations/resolve-unknown.ts',
        find: 'timing.ageMs < provider.capabilities.idempotencyWindowMs - WINDOW_MARGIN_MS',
        replace: 'timing.ageMs < provider.capabilities.idempotencyWindowMs',
      },
    ],
    suite: {
      file: 'services/transaction/src/operations/resolve-absence.test.ts',
      test: '9: once Stripe may have forgotten the key nothing is sent again: the lookup finds the charge',
    },
  },
  {
    name: 'provider-key-of-each-attempt',
    why: 'reliability rule 2, row 3, I27: the repeated call of a lost one charges again',
    edits: [
      {
        file: 'services/transaction/src/operations/operation.ts',
        find: 'providerKey: providerKeyOf(operation.id),',
        replace: 'providerKey: `${providerKeyOf(operation.id)}-${operation.attempt}`,',
      },
    ],
    suite: {
      file: 'services/transaction/src/operations/resolve-unknown.test.ts',
      test: '5: a reply lost by the provider after the charge',
    },
  },
  {
    name: 'hidden-retry-of-the-sdk',
    why: 'reliability rule 12, row 11: the refusal of a second call hides what the first one did',
    edits: [
      {
        file: 'services/transaction/src/providers/stripe/stripe-client.ts',
        find: 'maxNetworkRetries: 0,',
        replace: 'maxNetworkRetries: 2,',
      },
    ],
    suite: {
      file: 'services/transaction/src/operations/resolve-unknown.test.ts',
      test: '11: a lost reply is not repeated behind our back, where a refusal of the second call would hide the first',
    },
  },
];
