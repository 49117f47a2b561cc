import { Migration } from '@mikro-orm/migrations';

/** The stored answers of charges, so that a repeated Idempotency-Key gets the same bytes again. */
export class Migration0001Replies extends Migration {
  override up(): void {
    this.addSql(`
      create table replies (
        merchant_id uuid not null,
        -- Derived from (merchant, mode, endpoint, Idempotency-Key); the same id guards the charge at transaction.
        operation_id uuid not null,
        mode text not null,
        -- Of the request that was answered. A reply is only ever read together with it.
        fingerprint bytea not null,
        status_code smallint not null,
        -- The Location header of a created payment.
        location text,
        -- The bytes as they were sent; text or jsonb would not give them back unchanged.
        body bytea not null,
        created_at timestamptz not null default now(),
        -- The first terminal answer stays: whoever comes second sees a conflict and reads it. The merchant leads, so
        -- that the table can be distributed or split by hotel.
        primary key (merchant_id, operation_id),
        constraint reply_mode check (mode in ('test', 'live')),
        -- SHA-256.
        constraint reply_fingerprint check (octet_length(fingerprint) = 32),
        -- Only terminal answers: succeeded or failed. A 202 must be asked again, and a refusal did not use the key up.
        constraint reply_terminal check (status_code in (201, 402)),
        constraint reply_location check ((status_code = 201) = (location is not null))
      );
    `);
    // What the reaper reads, oldest first. New rows always go to its last page, so it costs next to nothing to fill.
    this.addSql(`create index replies_created on replies (created_at);`);
  }
}
