import { Migration } from '@mikro-orm/migrations';

/** What providers tell by webhooks, what became of it, and the disputes they tell of. */
export class Migration0005ProviderEvents extends Migration {
  override up(): void {
    this.addSql(PROVIDER_EVENTS);
    for (const index of INDEXES) this.addSql(index);
    this.addSql(REPLAYS);
    this.addSql(DISPUTES);
    this.addSql(DISPUTE_EVENTS);
    for (const table of ['provider_event_replays', 'dispute_events'])
      this.addSql(`
        create trigger ${table}_append_only before update or delete or truncate on ${table}
          for each statement execute function refuse_change();
      `);
    // Lists and reads run as this role, which sees one merchant at a time whatever the query says.
    for (const table of ['provider_events', 'provider_event_replays', 'disputes', 'dispute_events']) {
      this.addSql(`alter table ${table} enable row level security;`);
      this.addSql(`
        create policy one_merchant on ${table} for select to transaction_reader
          using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid);
      `);
      this.addSql(`grant select on ${table} to transaction_reader;`);
    }
  }
}

const PROVIDER_EVENTS = `
create table provider_events (
  merchant_id uuid not null,
  -- Version 7: its order is the order in which events came.
  id uuid not null default uuidv7(),
  mode text not null,
  provider text not null,
  -- Whose secret the signature was checked with.
  provider_account_id uuid not null,
  provider_event_id text not null,
  type text not null,
  -- What the same fact under another event id shares.
  fact_key text not null,
  -- The fact in our words: references, amounts, times. The body itself is not kept, since it names guests and holds no
  -- more that we act on (the provider is asked); its digest proves what was received.
  fact jsonb not null,
  body_sha256 bytea not null,
  body_bytes integer not null,
  request_id text not null,
  state text not null default 'received',
  -- Why it is where it is, for people.
  reason text not null default '',
  payment_id uuid,
  -- The fence: each holder gets the next number, and only the current one may conclude.
  attempts integer not null default 0,
  -- The lease of whoever works on it, or the time of the next try.
  due_at timestamptz not null default now(),
  -- When it came, or was last replayed: 72 hours later it is parked.
  waiting_since timestamptz not null default now(),
  -- The open operations that were made due for it, each with its attempt number at that moment.
  hastened jsonb not null default '{}',
  hastened_at timestamptz,
  -- When the provider's totals were first seen to differ from ours; a mismatch needs a second look.
  differs_since timestamptz,
  -- When the provider was last asked for it and agreed with us.
  asked_at timestamptz,
  -- How often a person had it processed again; a part of the fence.
  replays integer not null default 0,
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  primary key (merchant_id, id),
  -- Reliability row 28: a provider sends an event as often as it likes; one row each.
  constraint provider_event_once unique (merchant_id, provider_account_id, provider_event_id),
  constraint provider_event_payment foreign key (merchant_id, payment_id) references payments (merchant_id, id),
  constraint provider_event_mode check (mode in ('test', 'live')),
  -- I15: none vanishes; each is waiting, processed, or before a person.
  constraint provider_event_state check (state in ('received', 'unmatched', 'processed', 'mismatch', 'parked')),
  constraint provider_event_over check ((state in ('processed', 'mismatch', 'parked')) = (processed_at is not null)),
  constraint provider_event_digest check (octet_length(body_sha256) = 32),
  constraint provider_event_body check (body_bytes >= 0)
);
`;

const INDEXES = [
  // What the loop reads.
  `create index provider_events_due on provider_events (due_at) where state in ('received', 'unmatched');`,
  // The same fact under another id.
  `create index provider_events_fact on provider_events (merchant_id, provider_account_id, fact_key);`,
  // What was told of one payment.
  `create index provider_events_payment on provider_events (merchant_id, payment_id) where payment_id is not null;`,
  // The operator's list of all hotels, newest first; the first is what waits for people.
  `create index provider_events_people on provider_events (id) where state in ('unmatched', 'mismatch', 'parked');`,
  `create index provider_events_newest on provider_events (id);`,
];

// Who had an event processed again. Written once.
const REPLAYS = `
create table provider_event_replays (
  merchant_id uuid not null,
  event_id uuid not null,
  -- The attempts it had by then.
  attempts integer not null,
  from_state text not null,
  from_reason text not null,
  actor text not null,
  request_id text not null,
  address text not null,
  at timestamptz not null default clock_timestamp(),
  id uuid not null default uuidv7(),
  primary key (merchant_id, event_id, id),
  constraint replay_event foreign key (merchant_id, event_id) references provider_events (merchant_id, id)
);
`;

const DISPUTES = `
create table disputes (
  merchant_id uuid not null,
  id uuid not null default uuidv7(),
  mode text not null,
  payment_id uuid not null,
  provider text not null,
  provider_reference text not null,
  -- One more with each change; the history carries the same number.
  version integer not null default 1,
  amount_minor bigint not null,
  currency char(3) not null,
  status text not null,
  -- The provider's own words.
  provider_status text not null,
  reason text not null,
  -- Only a warning: no money was taken.
  inquiry boolean not null,
  evidence_due_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (merchant_id, id),
  constraint dispute_once unique (merchant_id, provider, provider_reference),
  constraint dispute_payment foreign key (merchant_id, payment_id) references payments (merchant_id, id),
  constraint dispute_mode check (mode in ('test', 'live')),
  constraint dispute_status check (status in ('open', 'under_review', 'won', 'lost', 'closed')),
  constraint dispute_amount check (amount_minor between 0 and 9007199254740991),
  constraint dispute_currency check (currency ~ '^[A-Z]{3}$')
);
create index disputes_payment on disputes (merchant_id, payment_id);
`;

const DISPUTE_EVENTS = `
create table dispute_events (
  merchant_id uuid not null,
  dispute_id uuid not null,
  version integer not null,
  amount_minor bigint not null,
  currency char(3) not null,
  status text not null,
  provider_status text not null,
  reason text not null,
  inquiry boolean not null,
  evidence_due_at timestamptz,
  -- The event that made us ask.
  provider_event_id uuid not null,
  at timestamptz not null default now(),
  primary key (merchant_id, dispute_id, version),
  constraint dispute_event_dispute foreign key (merchant_id, dispute_id) references disputes (merchant_id, id),
  constraint dispute_event_source foreign key (merchant_id, provider_event_id) references provider_events (merchant_id, id)
);
`;
