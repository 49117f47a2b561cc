import { Migration } from '@mikro-orm/migrations';

/** Replies to more than charges, and the price that a quoted payment was first asked for with. */
export class Migration0002Operations extends Migration {
  override up(): void {
    // Whoever waits for the lock on replies stops every charge behind it; rather fail, and be tried again.
    this.addSql(`set local lock_timeout = '1s';`);
    // 200: a capture, a cancellation, an adjustment, or a payment that was authorised after its creation. Processes of the
    // release before write only what the narrower rule allowed, so both may run together. The rows that are there are read
    // under the lock: few before the first release; a later one would add it not valid and validate it apart.
    this.addSql(`
      alter table replies
        drop constraint reply_terminal,
        add constraint reply_terminal check (status_code in (200, 201, 402));
    `);
    // A repeated request must be the same request to transaction, also when its quote has lapsed in between.
    this.addSql(`
      create table quoted_operations (
        merchant_id uuid not null,
        operation_id uuid not null,
        -- Of the request: a corrected one may follow under the same key, with a price of its own.
        fingerprint bytea not null,
        quote_id text not null,
        amount_minor bigint not null,
        currency text not null,
        quote_hash text not null,
        created_at timestamptz not null default now(),
        primary key (merchant_id, operation_id, fingerprint),
        -- SHA-256.
        constraint quoted_fingerprint check (octet_length(fingerprint) = 32),
        constraint quoted_amount check (amount_minor > 0)
      );
    `);
    this.addSql(`create index quoted_operations_created on quoted_operations (created_at);`);
  }
}
