import type { Plant } from '../plant.ts';

const STRIPE_EVENTS = 'services/transaction/src/providers/stripe/stripe-events.ts';
const STRIPE_EVENTS_TEST = 'services/transaction/src/providers/stripe/stripe-events.test.ts';
const RECEIVE = 'services/transaction/src/provider-events/receive-provider-event.ts';
const RECEIVE_TEST = 'services/transaction/src/provider-events/receive-provider-event.test.ts';

/** Inbound webhooks: signed by the account, stored once, acknowledged only when stored (P10). */
export const WEBHOOK_PLANTS: readonly Plant[] = [
  {
    name: 'webhook-not-deduplicated',
    why: 'reliability row 28: each delivery of an event is another event',
    edits: [
      {
        file: RECEIVE,
        find: `values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict (merchant_id, provider_account_id, provider_event_id) do nothing`,
        replace: 'values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
      },
      {
        file: 'services/transaction/migrations/0005_provider_events.ts',
        find: 'constraint provider_event_once unique (merchant_id, provider_account_id, provider_event_id),',
        replace: '',
      },
    ],
    suite: {
      file: RECEIVE_TEST,
      test: '28: an event that arrives five times at once is stored once and acknowledged five times',
    },
  },
  {
    name: 'webhook-acknowledged-unstored',
    why: 'reliability rule 14, row 33: the provider does not send again what we did not keep',
    edits: [
      {
        file: RECEIVE,
        find: `    throw new AppError('unavailable', {
      cause: error,
      retryAfterSeconds: 5,
      internal: 'a provider event was not stored',
    });`,
        replace: '    return error instanceof AppError;',
      },
    ],
    suite: {
      file: RECEIVE_TEST,
      test: '33: a store that refuses the row is a 503 as well, not an acknowledgement',
    },
  },
  {
    name: 'signature-tolerance-in-milliseconds',
    why: 'security row 36: a recorded webhook is taken for more than three days',
    edits: [
      {
        file: STRIPE_EVENTS,
        find: 'const TOLERANCE_SECONDS = 300;',
        replace: 'const TOLERANCE_SECONDS = 300_000;',
      },
    ],
    suite: {
      file: STRIPE_EVENTS_TEST,
      test: 'another secret, another body, an old one, none, or a scheme we do not know is refused',
    },
  },
  {
    name: 'event-of-the-other-mode',
    why: 'security row 33: a test event moves a live payment',
    edits: [
      {
        file: STRIPE_EVENTS,
        find: `if (event.livemode !== (account.mode === 'live')) throw`,
        replace: `if (event.livemode && account.mode === 'test') throw`,
      },
    ],
    suite: { file: STRIPE_EVENTS_TEST, test: 'an event of the other mode is refused, whoever signed it' },
  },
  {
    name: 'event-matched-across-hotels',
    why: 'security row 33: what one hotel signs is applied to another hotel’s payment',
    edits: [
      {
        file: 'services/transaction/src/provider-events/match-payment.ts',
        find: 'from found join payments p on p.merchant_id = $1 and p.id = found.id',
        replace: 'from found join payments p on p.id = found.id',
      },
    ],
    suite: {
      file: 'services/transaction/src/provider-events/process-provider-events.test.ts',
      test: "an event signed by one hotel never touches another hotel's payment, whatever references it carries",
    },
  },
];
