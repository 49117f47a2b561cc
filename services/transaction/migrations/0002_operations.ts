import { Migration } from '@mikro-orm/migrations';

/** Holds, captures, voids, refunds and adjustments: what a payment can go through after, or instead of, one sale. */
export class Migration0002Operations extends Migration {
  override up(): void {
    this.addSql(STATUS_OF_SUMS);
    this.addSql(PAYMENTS);
    this.addSql(OPERATIONS);
    this.addSql(EVENTS);
    for (const index of INDEXES) this.addSql(index);
    this.addSql(REFERENCES);
    this.addSql(SETTLEMENTS_BY_PEOPLE);
  }
}

// The one place that says what a payment's sums make of its status, for the statement that changes it and for the
// constraint that keeps it. Plain SQL, so that the planner writes it into the statement.
const STATUS_OF_SUMS = `
create function status_of_sums(hold_open boolean, captured bigint, refunded bigint) returns text
  language sql immutable parallel safe
  return case when hold_open and captured = 0 then 'authorized'
              when hold_open then 'partially_captured'
              when captured = 0 then 'canceled'
              when refunded = 0 then 'succeeded'
              when refunded < captured then 'partially_refunded'
              else 'refunded' end;
`;

// Constants as defaults: no row is rewritten. Constraints are replaced under one short lock; the table is small before the
// first release, and a later one would add them not valid and validate them apart.
const PAYMENTS = `
alter table payments
  add column capture_method text not null default 'automatic',
  -- While the provider holds money that can still be captured.
  add column hold_open boolean not null default false,
  -- The provider's own deadline; null when it told none.
  add column hold_expires_at timestamptz,
  -- What the hold allows, from the provider's answer.
  add column hold_multiple_capture boolean not null default false,
  add column hold_incremental boolean not null default false,
  add column overcapture_minor bigint not null default 0,
  -- Asked for and not settled: counts as used (reliability rule 5).
  add column authorize_pending_minor bigint not null default 0,
  add column capture_pending_minor bigint not null default 0,
  add column refund_pending_minor bigint not null default 0,
  -- A void, an adjustment or a last capture under way: nothing else may touch the hold meanwhile.
  add column busy_operation_id uuid,
  add column initiation text not null default 'customer',
  add column network_transaction_id text,
  add column original_network_transaction_id text,
  add column quote_id text,
  add column quote_hash text,
  add column cancellation_reason text,
  add column disputed boolean not null default false,
  -- When the hotel was told that the hold is about to lapse.
  add column hold_reminded_at timestamptz,
  -- When a hold past its deadline is looked at again.
  add column hold_due_at timestamptz,
  drop constraint payment_status,
  drop constraint payment_captured,
  drop constraint payment_refunded,
  drop constraint payment_failed_holds_nothing,
  drop constraint payment_succeeded_captured,
  add constraint payment_status check (status in ('created', 'processing', 'requires_action', 'authorized',
    'partially_captured', 'succeeded', 'partially_refunded', 'refunded', 'canceled', 'failed')),
  add constraint payment_capture_method check (capture_method in ('automatic', 'manual')),
  add constraint payment_initiation check (initiation in ('customer', 'merchant', 'moto')),
  add constraint payment_overcapture check (overcapture_minor >= 0),
  add constraint payment_authorize_pending check (authorize_pending_minor >= 0),
  -- I6: never collected, not even pending, beyond what is held and what the provider allows above it.
  add constraint payment_captured check (captured_minor >= 0 and capture_pending_minor >= 0
    and captured_minor + capture_pending_minor <= authorized_minor + overcapture_minor),
  -- I7: never given back, not even pending, beyond what was collected.
  add constraint payment_refunded check (refunded_minor >= 0 and refund_pending_minor >= 0
    and refunded_minor + refund_pending_minor <= captured_minor),
  -- I8: a failed payment holds nothing, a canceled one collected nothing, and every other settled status is what the
  -- sums say.
  add constraint payment_status_of_sums check (case
    when status in ('created', 'processing', 'requires_action', 'failed')
      then not hold_open and authorized_minor = 0 and captured_minor = 0
    else status = status_of_sums(hold_open, captured_minor, refunded_minor) end),
  add constraint payment_canceled_why check ((status = 'canceled') = (cancellation_reason is not null));
`;

const OPERATIONS = `
alter table operations
  -- 1 for what a client asked for; one more with each retry of a soft decline, which is an operation of its own.
  add column sequence integer not null default 1,
  -- Of a capture: whether it lets go of the rest of the hold.
  add column is_final boolean not null default false,
  add column reason text not null default '',
  -- What was asked for beyond the amount: extras of a hold, the hosted page, metadata of a refund.
  add column options jsonb not null default '{}',
  -- What the provider did, where that may differ from what was asked for.
  add column settled_minor bigint,
  add column failure jsonb,
  add column address text not null default '',
  alter column card_token drop not null,
  drop constraint operation_kind,
  add constraint operation_kind check (kind in ('create', 'sale', 'authorize', 'capture', 'void', 'refund', 'adjust')),
  add constraint operation_sequence check (sequence >= 1),
  add constraint operation_amount check (amount_minor >= 0),
  add constraint operation_failure check (failure is null or state = 'declined');
`;

// The sums as each step left them: the history alone then shows that no step was left out (I9, I12), and a repeated
// request is answered from the step that answered the first.
const EVENTS = `
alter table payment_events
  -- Null where the step left it at what was asked for first.
  add column amount_minor bigint,
  add column authorized_minor bigint not null default 0,
  add column captured_minor bigint not null default 0,
  add column refunded_minor bigint not null default 0,
  add column authorize_pending_minor bigint not null default 0,
  add column capture_pending_minor bigint not null default 0,
  add column refund_pending_minor bigint not null default 0,
  add column hold_open boolean not null default false,
  add column hold_expires_at timestamptz,
  -- What the hold allowed then; null where the step settled no operation.
  add column hold_multiple_capture boolean,
  add column hold_incremental boolean,
  add column overcapture_minor bigint,
  add column disputed boolean not null default false;
`;

const INDEXES = [
  // What the hold loop reads: open holds by their deadline, and those past it by the next look.
  `create index payments_holds on payments (hold_expires_at) where hold_open and hold_expires_at is not null;`,
  `create index payments_holds_due on payments (coalesce(hold_due_at, hold_expires_at)) where hold_open;`,
  // The refunds of a hotel, newest first.
  `create index operations_refunds on operations (merchant_id, created_at desc, id desc) where kind = 'refund';`,
  // What people look at.
  `create index operations_escalated on operations (escalated_at) where state in ('sent', 'unknown') and escalated_at is not null;`,
  // A provider's event names its own refund.
  `create index operations_provider_reference on operations (provider_reference, provider_account_id)
     where provider_reference is not null and kind = 'refund';`,
];

// Which payment a provider's own object belongs to; a hosted page leaves two, its own and the payment's. A table and not an
// index on payments: the update that stores the reference would then write an entry into each of the table's indexes. The
// reference leads, because an event that comes to the address of all hotels does not say whose it is.
const REFERENCES = `
create table provider_references (
  provider_reference text not null,
  merchant_id uuid not null,
  payment_id uuid not null,
  primary key (provider_reference, merchant_id, payment_id)
);
insert into provider_references select provider_reference, merchant_id, id from payments where provider_reference is not null;
alter table provider_references enable row level security;
create policy one_merchant on provider_references for select to transaction_reader
  using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid);
grant select on provider_references to transaction_reader;
`;

// Who settled what by hand, and on what evidence. Written once.
const SETTLEMENTS_BY_PEOPLE = `
create table operation_verdicts (
  merchant_id uuid not null,
  operation_id uuid not null,
  happened boolean not null,
  evidence text not null,
  provider_reference text,
  actor text not null,
  request_id text not null,
  address text not null,
  at timestamptz not null default now(),
  primary key (merchant_id, operation_id),
  constraint verdict_operation foreign key (merchant_id, operation_id) references operations (merchant_id, id),
  constraint verdict_evidence check (length(evidence) between 10 and 2000)
);
create trigger operation_verdicts_append_only before update or delete or truncate on operation_verdicts
  for each statement execute function refuse_change();
alter table operation_verdicts enable row level security;
create policy one_merchant on operation_verdicts for select to transaction_reader
  using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid);
grant select on operation_verdicts to transaction_reader;
`;
