import { Migration } from '@mikro-orm/migrations';

/** Hotels' own credentials at providers, sealed, in versions that drain. */
export class Migration0002ProviderAccounts extends Migration {
  override up(): void {
    this.addSql(DATA_KEYS);
    this.addSql(PROVIDER_ACCOUNTS);
    this.addSql(VERSIONS);
    this.addSql(TENANT_POLICIES);
  }
}

const DATA_KEYS = `
create table data_keys (
  merchant_id uuid not null references merchants,
  version integer not null check (version >= 1),
  master_key_id text not null,
  -- The key, sealed by the master key; null once destroyed.
  wrapped text,
  -- AES-GCM with random nonces is good for 2^32 messages a key (NIST SP 800-38D 8.3); half of that, and the database refuses.
  uses bigint not null default 0 check (uses >= 0 and uses < 2147483648),
  created_at timestamptz not null default now(),
  destroyed_at timestamptz,
  primary key (merchant_id, version),
  constraint data_keys_destroyed_is_empty check ((destroyed_at is null) = (wrapped is not null))
);
`;

const PROVIDER_ACCOUNTS = `
create table provider_accounts (
  merchant_id uuid not null references merchants,
  id uuid not null,
  provider text not null check (provider ~ '^[a-z][a-z0-9_]{0,31}$'),
  kind text not null check (kind in ('card_provider', 'card_vault')),
  mode text not null check (mode in ('test', 'live')),
  name text not null check (length(name) between 1 and 100),
  is_default boolean not null default false,
  status text not null default 'active' check (status in ('active', 'deleted')),
  current_version integer not null default 1 check (current_version >= 1),
  last_test jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (merchant_id, id),
  constraint provider_accounts_deleted_is_dated check ((status = 'deleted') = (deleted_at is not null)),
  -- A payment must never be sent to an account that the hotel removed.
  constraint provider_accounts_deleted_is_no_default check (status = 'active' or not is_default)
);
-- A payment that names no account must have one answer to where it goes.
create unique index provider_accounts_one_default on provider_accounts (merchant_id, mode, kind) where is_default;
`;

const VERSIONS = `
create table provider_account_versions (
  merchant_id uuid not null,
  provider_account_id uuid not null,
  version integer not null check (version >= 1),
  -- Field name to value, of fields that are no secret.
  plain_fields jsonb not null,
  -- Field name to { last4, fingerprint }, of secret fields; outlives the secret.
  secret_marks jsonb not null,
  -- Field name to sealed value; null once destroyed.
  sealed_fields jsonb,
  data_key_version integer,
  state text not null default 'active' check (state in ('active', 'draining', 'destroyed')),
  -- Operations begun with this version may still finish with it until then.
  drains_until timestamptz,
  created_at timestamptz not null default now(),
  primary key (merchant_id, provider_account_id, version),
  foreign key (merchant_id, provider_account_id) references provider_accounts,
  foreign key (merchant_id, data_key_version) references data_keys,
  constraint versions_destroyed_is_empty check ((state = 'destroyed') = (sealed_fields is null)),
  constraint versions_active_does_not_drain check ((state = 'active') = (drains_until is null)),
  constraint versions_sealed_names_its_key
    check (sealed_fields is null or (sealed_fields = '{}'::jsonb) = (data_key_version is null))
);
create unique index versions_one_active on provider_account_versions (merchant_id, provider_account_id)
  where state = 'active';
-- The two loops look for what is due, and for what an old key still seals.
create index versions_draining on provider_account_versions (drains_until) where state = 'draining';
create index versions_data_key on provider_account_versions (merchant_id, data_key_version)
  where data_key_version is not null;

-- The version that an account calls current exists; checked at commit, since the account is written first.
alter table provider_accounts add constraint provider_accounts_current_version_exists
  foreign key (merchant_id, id, current_version) references provider_account_versions deferrable initially deferred;
`;

const TENANT_POLICIES = `
alter table data_keys enable row level security;
alter table data_keys force row level security;
create policy data_keys_tenant on data_keys using (merchant_id = centra_tenant());
create policy data_keys_every on data_keys to current_user using (centra_every_merchant());

alter table provider_accounts enable row level security;
alter table provider_accounts force row level security;
create policy provider_accounts_tenant on provider_accounts using (merchant_id = centra_tenant());
create policy provider_accounts_every on provider_accounts to current_user using (centra_every_merchant());

alter table provider_account_versions enable row level security;
alter table provider_account_versions force row level security;
create policy versions_tenant on provider_account_versions using (merchant_id = centra_tenant());
create policy versions_every on provider_account_versions to current_user using (centra_every_merchant());

grant select on provider_accounts to merchant_reader;
-- Reads and lists cannot reach a sealed value at all, nor any key.
grant select (merchant_id, provider_account_id, version, plain_fields, secret_marks, state, drains_until, created_at)
  on provider_account_versions to merchant_reader;
`;
