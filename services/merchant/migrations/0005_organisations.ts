import { Migration } from '@mikro-orm/migrations';

/** Organisations, their owners and their chained history; how far a hotel has come; its profile, colours and logo; what auth must still be told. */
export class Migration0005Organisations extends Migration {
  override up(): void {
    this.addSql(SCOPES);
    this.addSql(ORGANISATIONS);
    this.addSql(HISTORY);
    this.addSql(MERCHANTS);
    this.addSql(MOVES);
    this.addSql(LOGOS);
    this.addSql(ACCESS_ORDERS);
  }
}

const SCOPES = `
-- The person of the transaction, and the organisation that it was found to be an owner of.
create function centra_user() returns uuid language sql stable as
$$ select nullif(current_setting('centra.user_id', true), '')::uuid $$;
create function centra_organisation() returns uuid language sql stable as
$$ select nullif(current_setting('centra.organisation_id', true), '')::uuid $$;
`;

const ORGANISATIONS = `
create table organisations (
  organisation_id uuid primary key,
  name text not null check (length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table organisation_owners (
  organisation_id uuid not null references organisations,
  -- A person of the auth service.
  user_id uuid not null,
  added_at timestamptz not null default now(),
  primary key (organisation_id, user_id)
);
create index organisation_owners_user on organisation_owners (user_id, organisation_id);

alter table organisations enable row level security;
alter table organisations force row level security;
create policy organisations_owned on organisations
  using (organisation_id = centra_organisation() or exists (
    select from organisation_owners as own
     where own.organisation_id = organisations.organisation_id and own.user_id = centra_user()))
  with check (organisation_id = centra_organisation());
create policy organisations_every on organisations to current_user using (centra_every_merchant());

alter table organisation_owners enable row level security;
alter table organisation_owners force row level security;
-- A person sees that they are an owner; who the others are, only inside the organisation that this opened.
create policy organisation_owners_own on organisation_owners
  using (user_id = centra_user() or organisation_id = centra_organisation())
  with check (organisation_id = centra_organisation());
create policy organisation_owners_every on organisation_owners to current_user using (centra_every_merchant());
`;

const HISTORY = `
-- What owners of it changed, chained like a hotel's history. Its hotels have each their own.
create table organisation_events (
  organisation_id uuid not null references organisations,
  -- 1, 2, 3 … per organisation: a gap shows a removed row.
  seq bigint not null,
  at timestamptz not null default clock_timestamp(),
  -- A person: user:usr_…
  actor text not null,
  address text not null,
  request_id text not null,
  action text not null check (action ~ '^[a-z_]+\\.[a-z_]+$'),
  object_id text not null,
  before jsonb,
  after jsonb,
  previous_hash bytea not null check (length(previous_hash) = 32),
  hash bytea not null check (length(hash) = 32),
  primary key (organisation_id, seq)
);
comment on table organisation_events is
  'Append-only and chained per organisation. Kept for good, at least 12 months (PCI DSS 10.5.1).';

-- The same columns as of a hotel's, with the organisation in the hotel's place: one way to check both.
create function organisation_event_hash(event organisation_events) returns bytea language sql stable as $$
  select sha256(event.previous_hash || convert_to(jsonb_build_array(
    event.organisation_id, event.seq, (extract(epoch from event.at) * 1000000)::bigint, event.actor, event.address,
    event.request_id, event.action, event.object_id, event.before, event.after)::text, 'UTF8'))
$$;

create function chain_organisation_event() returns trigger language plpgsql as $$
declare
  last_seq bigint;
  last_hash bytea;
begin
  -- One writer per organisation at a time, else two events would follow the same predecessor.
  perform 1 from organisations where organisation_id = new.organisation_id for no key update;
  select seq, hash into last_seq, last_hash
    from organisation_events where organisation_id = new.organisation_id order by seq desc limit 1;
  new.seq := coalesce(last_seq, 0) + 1;
  new.previous_hash := coalesce(last_hash, decode(repeat('00', 32), 'hex'));
  new.hash := organisation_event_hash(new);
  return new;
end
$$;
create trigger organisation_events_chain before insert on organisation_events
  for each row execute function chain_organisation_event();

alter table organisation_events enable row level security;
alter table organisation_events force row level security;
create policy organisation_events_opened on organisation_events using (organisation_id = centra_organisation());
create policy organisation_events_every on organisation_events to current_user using (centra_every_merchant());

-- Neither by the service's own role nor by a superuser in passing.
revoke update, delete, truncate on organisation_events from current_user;
create trigger organisation_events_append_only before update or delete or truncate on organisation_events
  for each statement execute function refuse_audit_change();
`;

const MERCHANTS = `
alter table merchants
  -- Null for a hotel that the operator registered.
  add column organisation_id uuid references organisations,
  -- Whoever was registered before there were states was let in by the operator.
  add column state text not null default 'verified'
    check (state in ('draft', 'submitted', 'verified', 'suspended', 'closed')),
  -- Where it was before its last move: written by the trigger below, so a move cannot hide where it came from.
  add column state_from text,
  -- For the hotel's people.
  add column state_reason text check (length(state_reason) between 1 and 500),
  add column state_changed_at timestamptz not null default now(),
  -- ISO 4217 and ways to pay that it accepts; none named: whatever its providers take.
  add column currencies text[] not null default '{}' check (cardinality(currencies) <= 200),
  add column methods text[] not null default '{}'
    check (methods <@ array['card', 'card_page', 'paypal', 'stablecoin']),
  add column statement_descriptor text check (length(statement_descriptor) between 5 and 22),
  add column locale text not null default 'en' check (locale in ('en', 'fr', 'es', 'ar')),
  -- Legal name, address and so on: texts that only people read, checked by the service's schema.
  add column profile jsonb not null default '{}'
    check (jsonb_typeof(profile) = 'object' and length(profile::text) <= 16384),
  add column primary_color text check (primary_color ~ '^#[0-9a-f]{6}$'),
  add column on_primary_color text check (on_primary_color ~ '^#[0-9a-f]{6}$'),
  add column background_color text check (background_color ~ '^#[0-9a-f]{6}$'),
  add column text_color text check (text_color ~ '^#[0-9a-f]{6}$'),
  add column updated_at timestamptz not null default now();
-- From now on a hotel begins as a draft unless somebody says otherwise.
alter table merchants alter column state set default 'draft';

create index merchants_organisation on merchants (organisation_id, merchant_id) where organisation_id is not null;
-- The operator's queue: one state, those that wait longest first.
create index merchants_state on merchants (state, state_changed_at, merchant_id);

-- An owner sees the hotels of the organisation; changing one takes a role at that hotel.
create policy merchants_organisation on merchants for select using (organisation_id = centra_organisation());
`;

const MOVES = `
alter table merchants add constraint merchants_state_moves check (
  (state_from is null and state in ('draft', 'verified'))
  or (state_from = 'draft' and state in ('submitted', 'suspended', 'closed'))
  or (state_from = 'submitted' and state in ('draft', 'verified', 'suspended', 'closed'))
  or (state_from = 'verified' and state in ('suspended', 'closed'))
  or (state_from = 'suspended' and state in ('draft', 'submitted', 'verified', 'closed')));

create function note_merchant_move() returns trigger language plpgsql as $$
begin
  if new.state = old.state then
    new.state_from := old.state_from;
    return new;
  end if;
  -- Letting a hotel in again gives it what it had, and no more.
  if old.state = 'suspended' and new.state <> 'closed' and new.state <> old.state_from then
    raise exception 'a suspended hotel goes back to what it was' using
      errcode = 'check_violation', constraint = 'merchants_state_moves';
  end if;
  new.state_from := old.state;
  new.state_changed_at := now();
  return new;
end
$$;
create trigger merchants_move before update on merchants for each row execute function note_merchant_move();
`;

const LOGOS = `
create table merchant_logos (
  merchant_id uuid primary key references merchants,
  -- Made here from what was uploaded, never the upload itself.
  image bytea not null check (length(image) between 1 and 1048576),
  width integer not null check (width between 1 and 512),
  height integer not null check (height between 1 and 512),
  sha256 bytea not null check (length(sha256) = 32),
  updated_at timestamptz not null default now()
);

alter table merchant_logos enable row level security;
alter table merchant_logos force row level security;
create policy merchant_logos_tenant on merchant_logos using (merchant_id = centra_tenant());
create policy merchant_logos_every on merchant_logos to current_user using (centra_every_merchant());

grant select on merchant_logos to merchant_reader;
`;

const ACCESS_ORDERS = `
-- What auth must be told, written in the transaction that decided it and removed when auth has taken it.
create table access_orders (
  -- Drawn under the lock of the hotel's row, so a hotel's orders are numbered as they were decided.
  seq bigint generated always as identity primary key,
  merchant_id uuid not null references merchants,
  kind text not null check (kind in ('access', 'owner')),
  -- Of 'access'.
  suspended boolean,
  -- Of 'owner'.
  user_id uuid,
  reason text not null default '' check (length(reason) <= 500),
  actor text not null,
  request_id text not null,
  -- The fence: only the holder of the current number may remove or put off the order.
  attempt integer not null default 0,
  -- When it may be tried next; while one attempt is under way, when that is given up.
  due_at timestamptz not null default now(),
  last_error text,
  -- Set when auth refused it for good; somebody has to look.
  refused_at timestamptz,
  created_at timestamptz not null default now(),
  constraint access_orders_say_what check ((kind = 'access') = (suspended is not null) and (kind = 'owner') = (user_id is not null))
);
create index access_orders_due on access_orders (due_at) where refused_at is null;
create index access_orders_hotel on access_orders (merchant_id, kind, seq) where refused_at is null;

alter table access_orders enable row level security;
alter table access_orders force row level security;
create policy access_orders_tenant on access_orders using (merchant_id = centra_tenant());
create policy access_orders_every on access_orders to current_user using (centra_every_merchant());
`;
