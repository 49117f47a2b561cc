import { Migration } from '@mikro-orm/migrations';

/** Where hotels want to be told of events, and the secrets that sign what they are told. */
export class Migration0008WebhookEndpoints extends Migration {
  override up(): void {
    this.addSql(ENDPOINTS);
    this.addSql(SECRETS);
    this.addSql(TENANT_POLICIES);
  }
}

const ENDPOINTS = `
create table webhook_endpoints (
  merchant_id uuid not null references merchants,
  id uuid not null,
  mode text not null check (mode in ('test', 'live')),
  -- As the guard of outgoing calls wrote it, or, on a developer's machine, a trusted target.
  url text not null check (url ~ '^https?://' and length(url) <= 2048),
  description text check (length(description) between 1 and 200),
  -- Types, families such as payment.*, or * for all.
  events text[] not null check (cardinality(events) between 1 and 50),
  enabled boolean not null default true,
  -- When a test event was last sent: replicas share the limit on how often.
  tested_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (merchant_id, id)
);
create index webhook_endpoints_active on webhook_endpoints (merchant_id, mode) where deleted_at is null;
`;

const SECRETS = `
create table webhook_endpoint_secrets (
  merchant_id uuid not null,
  endpoint_id uuid not null,
  version integer not null check (version >= 1),
  -- Under the hotel's data key; null once destroyed.
  sealed text,
  data_key_version integer,
  last4 text not null check (length(last4) = 4),
  created_at timestamptz not null default now(),
  -- Signs until then; null for the current one.
  expires_at timestamptz,
  destroyed_at timestamptz,
  primary key (merchant_id, endpoint_id, version),
  foreign key (merchant_id, endpoint_id) references webhook_endpoints,
  foreign key (merchant_id, data_key_version) references data_keys,
  constraint webhook_secrets_destroyed_is_empty check ((destroyed_at is null) = (sealed is not null)),
  constraint webhook_secrets_sealed_names_its_key check ((sealed is null) = (data_key_version is null)),
  -- What still signs is never erased.
  constraint webhook_secrets_destroyed_is_expired check (destroyed_at is null or expires_at is not null)
);
create unique index webhook_secrets_one_current on webhook_endpoint_secrets (merchant_id, endpoint_id)
  where expires_at is null;
-- The loops look for what is over, and for what an old key still seals.
create index webhook_secrets_expiring on webhook_endpoint_secrets (expires_at)
  where expires_at is not null and destroyed_at is null;
create index webhook_secrets_data_key on webhook_endpoint_secrets (merchant_id, data_key_version)
  where data_key_version is not null;
`;

const TENANT_POLICIES = `
alter table webhook_endpoints enable row level security;
alter table webhook_endpoints force row level security;
create policy webhook_endpoints_tenant on webhook_endpoints using (merchant_id = centra_tenant());
create policy webhook_endpoints_every on webhook_endpoints to current_user using (centra_every_merchant());

alter table webhook_endpoint_secrets enable row level security;
alter table webhook_endpoint_secrets force row level security;
create policy webhook_secrets_tenant on webhook_endpoint_secrets using (merchant_id = centra_tenant());
create policy webhook_secrets_every on webhook_endpoint_secrets to current_user using (centra_every_merchant());

grant select on webhook_endpoints to merchant_reader;
-- Reads and lists cannot reach a sealed value at all.
grant select (merchant_id, endpoint_id, version, last4, created_at, expires_at, destroyed_at)
  on webhook_endpoint_secrets to merchant_reader;
`;
