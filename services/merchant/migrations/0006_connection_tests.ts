import { Migration } from '@mikro-orm/migrations';

/** Providers that are no card acquirers, a log of past connection tests, and drained secrets that something still needs. */
export class Migration0006ConnectionTests extends Migration {
  override up(): void {
    this.addSql(KINDS);
    this.addSql(CONNECTION_TESTS);
    this.addSql(POSTPONED);
  }
}

// Each kind has a default of its own, so none of the new ones can become where a card token goes.
const KINDS = `
alter table provider_accounts
  drop constraint provider_accounts_kind_check,
  add constraint provider_accounts_kind_check
    check (kind in ('card_provider', 'card_vault', 'wallet', 'stablecoin', 'hosted_page'));
`;

const CONNECTION_TESTS = `
create table connection_tests (
  merchant_id uuid not null,
  id uuid not null,
  provider_account_id uuid not null,
  version integer not null check (version >= 1),
  result text not null check (result in ('ok', 'rejected', 'unreachable', 'wrong_mode', 'insufficient')),
  -- Our words for staff; never the provider's own body.
  message text not null check (length(message) <= 500),
  account_name text check (length(account_name) <= 500),
  actor text not null,
  address text not null,
  request_id text not null,
  tested_at timestamptz not null default now(),
  primary key (merchant_id, id),
  foreign key (merchant_id, provider_account_id) references provider_accounts
);
-- The newest of one account, and the oldest that are forgotten. Ids sort by time.
create index connection_tests_account on connection_tests (merchant_id, provider_account_id, id desc);
alter table connection_tests enable row level security;
alter table connection_tests force row level security;
create policy connection_tests_tenant on connection_tests using (merchant_id = centra_tenant());
create policy connection_tests_every on connection_tests to current_user using (centra_every_merchant());
grant select on connection_tests to merchant_reader;
`;

const POSTPONED = `
-- When a drained version was first found still needed; said once in the audit trail, then looked at again and again.
alter table provider_account_versions add column destruction_postponed_at timestamptz;
`;
