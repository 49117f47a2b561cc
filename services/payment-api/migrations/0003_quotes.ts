import { Migration } from '@mikro-orm/migrations';

/** Prices that were promised, until when, and what was asked for, so that they can be reckoned again. */
export class Migration0003Quotes extends Migration {
  override up(): void {
    this.addSql(`
      create table quotes (
        merchant_id uuid not null,
        id uuid not null,
        mode text not null,
        -- SHA-256 over everything that makes the price (quotes/quote-hash.ts).
        hash bytea not null,
        -- The name that the pricing file gave itself; for people, not part of the hash.
        pricing_version text not null,
        -- What was asked for, in the form of the HTTP contract.
        request jsonb not null,
        -- The day, in the hotel's time zone, on which discount codes had to be valid.
        priced_on date not null,
        currency text not null,
        subtotal_minor bigint not null,
        discount_minor bigint not null,
        tax_minor bigint not null,
        total_minor bigint not null,
        -- In the form of the HTTP contract; never more than 100, and every amount within what JSON carries exactly.
        lines jsonb not null,
        created_at timestamptz not null default now(),
        -- From then on the price is no longer promised. This database's clock decides.
        expires_at timestamptz not null,
        -- The merchant leads, so that the table can be distributed or split by hotel.
        primary key (merchant_id, id),
        constraint quote_mode check (mode in ('test', 'live')),
        constraint quote_hash check (octet_length(hash) = 32),
        constraint quote_currency check (currency ~ '^[A-Z]{3}$'),
        -- A discount never takes more than there is.
        constraint quote_amounts check (
          subtotal_minor >= 0 and discount_minor >= 0 and discount_minor <= subtotal_minor and tax_minor >= 0
          and total_minor >= 0),
        constraint quote_lifetime check (expires_at > created_at)
      );
    `);
    // What the reaper reads, oldest first.
    this.addSql(`create index quotes_expires on quotes (expires_at);`);
    // Forced, so that even the table's owner sees nothing without naming a hotel. An unset setting is NULL at first and ''
    // later in the same session; neither matches a row.
    this.addSql(`
      alter table quotes enable row level security;
      alter table quotes force row level security;
      create policy quotes_tenant on quotes
        using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid);
      -- The reaper looks at every hotel; it says so in its transaction.
      create policy quotes_every on quotes
        using (coalesce(current_setting('centra.every_merchant', true), '') = 'on');
    `);
  }
}
