import { Migration } from '@mikro-orm/migrations';

/** Hotels, the browser origins they own, and the chained history of every change. */
export class Migration0001Merchants extends Migration {
  override up(): void {
    this.addSql(TENANT);
    this.addSql(MERCHANTS);
    this.addSql(AUDIT);
  }
}

// The tenant of the transaction. An unset setting is NULL at first and '' later in the same session; neither matches a row.
const TENANT = `
create function centra_tenant() returns uuid language sql stable as
$$ select nullif(current_setting('centra.merchant_id', true), '')::uuid $$;

-- Loops and the CORS preflight look at every hotel; they say so in their transaction, and only the owner may.
create function centra_every_merchant() returns boolean language sql stable as
$$ select coalesce(current_setting('centra.every_merchant', true), '') = 'on' $$;
`;

const MERCHANTS = `
create table merchants (
  merchant_id uuid primary key,
  name text not null check (length(name) between 1 and 200),
  -- ISO 3166-1 alpha-2, IANA and ISO 4217 names; the service checks them against its own lists.
  country text not null check (country ~ '^[A-Z]{2}$'),
  time_zone text not null check (length(time_zone) between 1 and 64),
  default_currency text not null check (default_currency ~ '^[A-Z]{3}$'),
  created_at timestamptz not null default now()
);

-- A row each, not an array: under row level security only leakproof operators reach an index, and @> is not one.
create table merchant_origins (
  merchant_id uuid not null references merchants,
  origin text not null check (length(origin) between 8 and 255),
  primary key (merchant_id, origin)
);
-- A preflight names no hotel, so the origin is looked up alone.
create index merchant_origins_origin on merchant_origins (origin);

-- Forced, so that even the table's owner sees nothing without naming a tenant.
alter table merchants enable row level security;
alter table merchants force row level security;
create policy merchants_tenant on merchants using (merchant_id = centra_tenant());
create policy merchants_every on merchants to current_user using (centra_every_merchant());

alter table merchant_origins enable row level security;
alter table merchant_origins force row level security;
create policy merchant_origins_tenant on merchant_origins using (merchant_id = centra_tenant());
create policy merchant_origins_every on merchant_origins to current_user using (centra_every_merchant());

-- merchant_reader serves reads and lists; it is never the owner, so the policies for every hotel do not apply to it.
grant select on merchants, merchant_origins to merchant_reader;
`;

const AUDIT = `
create table audit_events (
  merchant_id uuid not null references merchants,
  -- 1, 2, 3 … per hotel: a gap shows a removed row.
  seq bigint not null,
  at timestamptz not null default clock_timestamp(),
  -- For example api_key:key_… or service:transaction.
  actor text not null,
  address text not null,
  request_id text not null,
  action text not null check (action ~ '^[a-z_]+\\.[a-z_]+$'),
  object_id text not null,
  before jsonb,
  after jsonb,
  previous_hash bytea not null check (length(previous_hash) = 32),
  hash bytea not null check (length(hash) = 32),
  primary key (merchant_id, seq)
);

-- jsonb has one text form, so an array of all columns is an unambiguous input.
create function audit_event_hash(event audit_events) returns bytea language sql stable as $$
  select sha256(event.previous_hash || convert_to(jsonb_build_array(
    event.merchant_id, event.seq, (extract(epoch from event.at) * 1000000)::bigint, event.actor, event.address,
    event.request_id, event.action, event.object_id, event.before, event.after)::text, 'UTF8'))
$$;

create function chain_audit_event() returns trigger language plpgsql as $$
declare
  last_seq bigint;
  last_hash bytea;
begin
  -- One writer per hotel at a time, else two events would follow the same predecessor.
  perform 1 from merchants where merchant_id = new.merchant_id for no key update;
  select seq, hash into last_seq, last_hash
    from audit_events where merchant_id = new.merchant_id order by seq desc limit 1;
  new.seq := coalesce(last_seq, 0) + 1;
  new.previous_hash := coalesce(last_hash, decode(repeat('00', 32), 'hex'));
  new.hash := audit_event_hash(new);
  return new;
end
$$;
create trigger audit_events_chain before insert on audit_events for each row execute function chain_audit_event();

alter table audit_events enable row level security;
alter table audit_events force row level security;
create policy audit_events_tenant on audit_events using (merchant_id = centra_tenant());
create policy audit_events_every on audit_events to current_user using (centra_every_merchant());

-- History is only ever added to, by the service's own role too …
revoke update, delete, truncate on audit_events from current_user;
-- … and not even by a superuser in passing.
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'audit_events is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_events_append_only before update or delete or truncate on audit_events
  for each statement execute function refuse_audit_change();
`;
