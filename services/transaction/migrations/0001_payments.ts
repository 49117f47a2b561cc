import { Migration } from '@mikro-orm/migrations';

/** Payments, their operations, their history and the outbox. */
export class Migration0001Payments extends Migration {
  override up(): void {
    // ids are UUID v7, so the primary key is also the order of creation and serves the newest-first list.
    // fillfactor leaves room on the page for the one update of most payments, which touches no indexed column and
    // then needs no new index entries (a heap-only tuple).
    this.addSql(`
      create table payments (
        merchant_id uuid not null,
        id uuid not null,
        mode text not null,
        status text not null,
        -- One more with each change of status; the events and outbox rows carry the same number.
        version integer not null,
        amount_minor bigint not null,
        currency char(3) not null,
        authorized_minor bigint not null default 0,
        captured_minor bigint not null default 0,
        refunded_minor bigint not null default 0,
        provider text not null,
        provider_account_id uuid not null,
        provider_reference text,
        card jsonb,
        booking_reference text not null,
        guest jsonb not null,
        description text not null,
        metadata jsonb not null,
        failure jsonb,
        next_action jsonb,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        primary key (merchant_id, id),
        constraint payment_mode check (mode in ('test', 'live')),
        constraint payment_status check (status in ('processing', 'requires_action', 'succeeded', 'failed')),
        -- 2^53 - 1: an amount must survive JSON as an integer.
        constraint payment_amount check (amount_minor between 1 and 9007199254740991),
        constraint payment_currency check (currency ~ '^[A-Z]{3}$'),
        -- I6: never collected beyond what was authorised, nor authorised beyond what was asked for.
        constraint payment_captured check (captured_minor between 0 and authorized_minor),
        constraint payment_authorized check (authorized_minor between 0 and amount_minor),
        -- I7: never given back beyond what was collected.
        constraint payment_refunded check (refunded_minor between 0 and captured_minor),
        -- I8: a failed payment holds nothing; a collected one says so.
        constraint payment_failed_holds_nothing check (status <> 'failed' or (authorized_minor = 0 and captured_minor = 0)),
        constraint payment_succeeded_captured check (status <> 'succeeded' or captured_minor > 0),
        constraint payment_failure_reason check ((status = 'failed') = (failure is not null)),
        constraint payment_next_action check ((status = 'requires_action') = (next_action is not null))
      ) with (fillfactor = 80);
    `);
    this.addSql(`create index payments_booking on payments (merchant_id, booking_reference, id);`);

    this.addSql(`
      create table operations (
        merchant_id uuid not null,
        -- Derived by payment-api from (merchant, mode, endpoint, Idempotency-Key). This key is the idempotency guarantee.
        id uuid not null,
        payment_id uuid not null,
        kind text not null,
        state text not null,
        -- The fence: each holder of the operation gets the next number, and only the current one may settle it.
        attempt integer not null,
        -- The lease of whoever works on it, or, while nobody does, the time of the next check.
        due_at timestamptz not null,
        -- Whether an attempt may have reached the provider with the charge. Once true, only the provider's word ends it.
        may_have_charged boolean not null default false,
        fingerprint bytea not null,
        amount_minor bigint not null,
        currency char(3) not null,
        provider text not null,
        provider_account_id uuid not null,
        -- The credential version it was begun with; a rotation does not change an operation under way.
        provider_account_version integer not null,
        vault_account_id uuid,
        vault_account_version integer,
        card_token text not null,
        return_url text,
        provider_reference text,
        -- Why it is not settled yet, for people.
        unknown_reason text,
        -- When a lookup first found nothing; a second one at least 60 s later proves absence.
        absent_since timestamptz,
        -- When it was put before a person: unknown for 24 hours.
        escalated_at timestamptz,
        -- PCI DSS 3.3.1: the card's security code is wiped from the vault after a successful authorisation.
        service_code_wipe text,
        actor text not null,
        request_id text not null,
        created_at timestamptz not null default now(),
        finished_at timestamptz,
        primary key (merchant_id, id),
        constraint operation_payment foreign key (merchant_id, payment_id) references payments (merchant_id, id),
        constraint operation_kind check (kind in ('sale')),
        constraint operation_state check (state in ('prepared', 'sent', 'succeeded', 'declined', 'unknown')),
        constraint operation_finished check ((state in ('succeeded', 'declined')) = (finished_at is not null)),
        constraint operation_attempt check (attempt >= 1),
        constraint operation_fingerprint check (octet_length(fingerprint) = 32),
        constraint operation_wipe check (service_code_wipe in ('due', 'done')),
        constraint operation_vault check ((vault_account_id is null) = (vault_account_version is null))
      ) with (fillfactor = 80);
    `);
    // What the sweeper reads: only open operations, by when they are due.
    this.addSql(
      `create index operations_due on operations (due_at) where state in ('prepared', 'sent', 'unknown');`,
    );
    this.addSql(`create index operations_wipe on operations (due_at) where service_code_wipe = 'due';`);
    this.addSql(`create index operations_payment on operations (merchant_id, payment_id);`);

    this.addSql(`
      create table payment_events (
        merchant_id uuid not null,
        payment_id uuid not null,
        version integer not null,
        type text not null,
        from_status text,
        to_status text not null,
        operation_id uuid not null,
        attempt integer not null,
        actor text not null,
        request_id text not null,
        address text not null,
        details jsonb not null,
        at timestamptz not null default now(),
        primary key (merchant_id, payment_id, version),
        constraint event_payment foreign key (merchant_id, payment_id) references payments (merchant_id, id)
      );
    `);
    // Raised inside the statement that changes a status, when the table of legal moves does not allow it: the whole
    // statement is then undone.
    this.addSql(`
      create function refuse_move(payment_id uuid, target text) returns boolean language plpgsql as $$
      begin
        raise exception 'payment % may not become %', payment_id, target using errcode = '23000';
      end $$;
    `);
    // The history of money is written once. A trigger, so that it also binds the tables' owner.
    this.addSql(`
      create function refuse_change() returns trigger language plpgsql as $$
      begin
        raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
      end $$;
    `);
    this.addSql(`
      create trigger payment_events_append_only before update or delete or truncate on payment_events
        for each statement execute function refuse_change();
    `);

    // No foreign key: a published row may be pruned or moved without looking at its payment.
    this.addSql(`
      create table outbox (
        merchant_id uuid not null,
        payment_id uuid not null,
        version integer not null,
        event_id uuid not null default uuidv7(),
        type text not null,
        data jsonb not null,
        created_at timestamptz not null default now(),
        published_at timestamptz,
        primary key (merchant_id, payment_id, version)
      );
    `);
    // An event that was promised is neither altered nor lost: only its publication may be noted, once, and only a
    // published one may be pruned.
    this.addSql(`
      create function guard_outbox() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' and old.published_at is not null then
          return old;
        end if;
        if tg_op = 'UPDATE' and old.published_at is null and new.published_at is not null
           and (new.merchant_id, new.payment_id, new.version, new.event_id, new.type, new.data, new.created_at)
             = (old.merchant_id, old.payment_id, old.version, old.event_id, old.type, old.data, old.created_at) then
          return new;
        end if;
        raise exception 'outbox is append-only' using errcode = 'insufficient_privilege';
      end $$;
    `);
    this.addSql(
      `create trigger outbox_guard before update or delete on outbox for each row execute function guard_outbox();`,
    );
    this.addSql(`create index outbox_unpublished on outbox (event_id) where published_at is null;`);

    // Lists and reads run as this role, which sees one merchant at a time whatever the query says.
    for (const table of ['payments', 'operations', 'payment_events']) {
      this.addSql(`alter table ${table} enable row level security;`);
      this.addSql(`
        create policy one_merchant on ${table} for select to transaction_reader
          using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid);
      `);
      this.addSql(`grant select on ${table} to transaction_reader;`);
    }
  }
}
