import { Migration } from '@mikro-orm/migrations';

/** API keys, their use, and the audit trail. */
export class ApiKeys0001 extends Migration {
  override up(): void {
    this.addSql(API_KEYS);
    this.addSql(API_KEYS_FIXED);
    this.addSql(API_KEY_USAGE);
    this.addSql(AUDIT_EVENTS);
    this.addSql(AUDIT_CHAIN);
    this.addSql(AUDIT_APPEND_ONLY);
    this.addSql(READER);
  }
}

const API_KEYS = `
create table api_keys (
  merchant_id uuid not null,
  id uuid not null,
  -- Counted in characters, as the API counts them at most: people read it in a list.
  name text not null constraint api_keys_name_length check (char_length(name) between 1 and 100),
  mode text not null constraint api_keys_mode_known check (mode in ('test', 'live')),
  -- A key without scopes could do nothing; the list of scopes itself lives in code, where each route names its own.
  scopes text[] not null constraint api_keys_scopes_count check (cardinality(scopes) between 1 and 32),
  -- SHA-256 of the whole key, so always 32 bytes; a shorter value would be a hash of another kind or none.
  secret_hash bytea not null constraint api_keys_secret_hash_sha256 check (octet_length(secret_hash) = 32),
  last4 text not null constraint api_keys_last4_length check (char_length(last4) = 4),
  created_at timestamptz not null default now(),
  created_by text not null,
  -- Compared with the database's own time, since the caller's and the service's clocks may lie.
  expires_at timestamptz constraint api_keys_expires_after_creation check (expires_at > created_at),
  revoked_at timestamptz,
  revoked_by text,
  -- When the key was last validated here; callers remember a valid key for up to a minute, so it is about that late.
  last_validated_at timestamptz,
  -- The merchant leads, so that one merchant's keys lie together and the table can be split by merchant.
  primary key (merchant_id, id),
  -- Validation starts from a key's text, which names the id but not the merchant: this index finds the row, and it is
  -- what makes the answer unambiguous. Keys are few, so a cluster that splits by merchant can copy this table instead.
  constraint api_keys_id_unique unique (id),
  -- Whoever revoked it is part of the fact.
  constraint api_keys_revoked_by_someone check ((revoked_at is null) = (revoked_by is null))
)`;

// What a key may do is fixed when it is shown, and a revocation is final: callers act on both without asking again.
const API_KEYS_FIXED = `
create function refuse_api_key_change() returns trigger language plpgsql as $$
begin
  raise exception 'an API key''s owner, mode, scopes, secret and revocation never change' using errcode = '42501';
end $$;
create trigger api_keys_fixed before update on api_keys for each row
  when ((old.merchant_id, old.id, old.mode, old.scopes, old.secret_hash)
          is distinct from (new.merchant_id, new.id, new.mode, new.scopes, new.secret_hash)
        or (old.revoked_at is not null
            and (old.revoked_at, old.revoked_by) is distinct from (new.revoked_at, new.revoked_by)))
  execute function refuse_api_key_change()`;

const API_KEY_USAGE = `
create table api_key_usage (
  merchant_id uuid not null,
  api_key_id uuid not null,
  -- UTC.
  day date not null,
  -- Validations, not requests: a caller that holds a validated key in its cache does not ask again.
  validations bigint not null constraint api_key_usage_validations_positive check (validations > 0),
  primary key (merchant_id, api_key_id, day),
  constraint api_key_usage_of_key foreign key (merchant_id, api_key_id) references api_keys (merchant_id, id)
)`;

const AUDIT_EVENTS = `
create table audit_events (
  merchant_id uuid not null,
  id uuid not null,
  -- 1, 2, 3 … for each merchant, so that a missing event is seen.
  sequence bigint not null,
  at timestamptz not null,
  actor text not null,
  action text not null,
  object_id text not null,
  request_id text not null,
  address text not null,
  details jsonb not null,
  -- The hash of the merchant's event before this one; empty for the first.
  previous_hash bytea not null,
  hash bytea not null,
  primary key (merchant_id, id),
  -- Two events cannot take the same place in the chain.
  constraint audit_events_sequence_unique unique (merchant_id, sequence)
)`;

// The database numbers, dates and chains each event itself, so that no writer can place one in the past.
const AUDIT_CHAIN = `
create function audit_event_hash(event audit_events) returns bytea language sql stable as $$
  select sha256(convert_to(jsonb_build_array(
    event.merchant_id, event.id, event.sequence, extract(epoch from event.at), event.actor, event.action,
    event.object_id, event.request_id, event.address, event.details, encode(event.previous_hash, 'hex'))::text, 'UTF8'))
$$;
create function chain_audit_event() returns trigger language plpgsql as $$
declare
  previous audit_events;
begin
  -- One writer at a time for each merchant: the next event must see the one before it committed.
  perform pg_advisory_xact_lock(hashtextextended('audit_events ' || new.merchant_id, 0));
  select * into previous from audit_events where merchant_id = new.merchant_id order by sequence desc limit 1;
  new.sequence := coalesce(previous.sequence, 0) + 1;
  new.at := clock_timestamp();
  new.previous_hash := coalesce(previous.hash, '');
  new.hash := audit_event_hash(new);
  return new;
end $$;
create trigger audit_events_chained before insert on audit_events for each row execute function chain_audit_event()`;

// A trigger rather than a revoked privilege: the service's role owns the table, and an owner may always grant itself
// back what was revoked. The trigger also stops the superuser's slip of the hand.
const AUDIT_APPEND_ONLY = `
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'permission denied: audit events are never changed or removed' using errcode = '42501';
end $$;
create trigger audit_events_append_only before update or delete or truncate on audit_events
  for each statement execute function refuse_audit_change()`;

// The role that lists and reads run as. It sees one merchant's rows, or none when no merchant was named, and never a
// hash. An earlier transaction of the session leaves the setting empty rather than unset, hence nullif.
const READER = `
alter table api_keys enable row level security;
create policy api_keys_of_merchant on api_keys for select to auth_reader
  using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid);
grant select (merchant_id, id, name, mode, scopes, last4, created_at, created_by, expires_at, revoked_at, revoked_by,
  last_validated_at) on api_keys to auth_reader`;
