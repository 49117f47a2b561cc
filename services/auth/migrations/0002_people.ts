import { Migration } from '@mikro-orm/migrations';

/** People: accounts, sessions, second factors, roles and who has which where; the keys that sign tokens; key usage. */
export class People0002 extends Migration {
  override up(): void {
    this.addSql(USERS);
    this.addSql(EMAIL_TOKENS);
    this.addSql(LOGIN_GUARDS);
    this.addSql(SESSIONS);
    this.addSql(FACTORS);
    this.addSql(MEMBERS);
    this.addSql(MERCHANT_ACCESS);
    this.addSql(SIGNING_KEYS);
    this.addSql(API_KEYS);
    this.addSql(USER_EVENTS);
    this.addSql(READER);
  }
}

const USERS = `
create table users (
  id uuid primary key,
  -- As its owner writes it, for mails to them.
  email text not null constraint users_email_length check (char_length(email) between 3 and 254),
  -- The address that counts: NFKC, lower case. Two accounts that differ in capitals only would be one person's to confuse.
  email_key text not null constraint users_email_unique unique,
  name text not null constraint users_name_length check (char_length(name) between 1 and 100),
  locale text not null constraint users_locale_known check (locale in ('en', 'fr', 'es', 'ar')),
  -- bcrypt's own text, which names its cost: a raised cost is taken up at the next log-in.
  password_hash text not null constraint users_password_hash_bcrypt check (password_hash ~ '^\\$2[aby]\\$[0-9]{2}\\$.{53}$'),
  password_changed_at timestamptz not null default now(),
  email_verified_at timestamptz,
  created_at timestamptz not null default now()
)`;

// The secret of a link is made when its mail is sent and stored as a hash, so that nothing here opens an account.
const EMAIL_TOKENS = `
create table email_tokens (
  id uuid primary key,
  user_id uuid not null constraint email_tokens_of_user references users,
  purpose text not null constraint email_tokens_purpose_known check (purpose in ('verify_email', 'reset_password')),
  -- SHA-256; null until a mail with the secret is on its way.
  secret_hash bytea constraint email_tokens_secret_hash_sha256 check (octet_length(secret_hash) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index email_tokens_user on email_tokens (user_id, purpose);
-- A link is found by its secret.
create unique index email_tokens_secret on email_tokens (secret_hash) where secret_hash is not null`;

// Failed log-ins by address, whether an account has it or not: a lock that only real accounts had would tell them apart.
const LOGIN_GUARDS = `
create table login_guards (
  -- SHA-256 of the address that counts.
  account_hash bytea primary key constraint login_guards_hash_sha256 check (octet_length(account_hash) = 32),
  failures integer not null default 0 constraint login_guards_failures_not_negative check (failures >= 0),
  last_failed_at timestamptz,
  -- Attempts that are being judged. They count like failures until they are, so that no more than five are judged at once.
  judging integer not null default 0 constraint login_guards_judging_not_negative check (judging >= 0),
  tried_at timestamptz not null default now(),
  locked_until timestamptz
);
create index login_guards_old on login_guards (tried_at)`;

const SESSIONS = `
create table sessions (
  user_id uuid not null constraint sessions_of_user references users,
  id uuid not null constraint sessions_id_unique unique,
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  -- Seven days after the last refresh at most.
  expires_at timestamptz not null constraint sessions_expires_after_creation check (expires_at > created_at),
  address text not null,
  user_agent text not null constraint sessions_user_agent_length check (char_length(user_agent) <= 200),
  -- The hotel and mode that its tokens are for; null until one is chosen.
  merchant_id uuid,
  mode text not null default 'test' constraint sessions_mode_known check (mode in ('test', 'live')),
  -- When its person proved a second factor in it.
  factor_at timestamptz,
  ended_at timestamptz,
  ended_reason text constraint sessions_ended_reason_known
    check (ended_reason in ('logged_out', 'revoked', 'password_changed', 'password_reset', 'token_reused', 'factor_removed', 'too_many')),
  primary key (user_id, id),
  constraint sessions_ended_for_a_reason check ((ended_at is null) = (ended_reason is null))
);
-- One refresh token a generation; the last one unused is good. A used one that comes again ends the session.
create table refresh_tokens (
  session_id uuid not null constraint refresh_tokens_of_session references sessions (id) on delete cascade,
  generation integer not null constraint refresh_tokens_generation_positive check (generation > 0),
  secret_hash bytea not null constraint refresh_tokens_secret_hash_sha256 check (octet_length(secret_hash) = 32),
  created_at timestamptz not null default now(),
  used_at timestamptz,
  primary key (session_id, generation)
);
create index sessions_old on sessions (expires_at)`;

const FACTORS = `
create table factors (
  user_id uuid not null constraint factors_of_user references users,
  id uuid not null constraint factors_id_unique unique,
  kind text not null constraint factors_kind_known check (kind = 'totp'),
  name text not null constraint factors_name_length check (char_length(name) between 1 and 100),
  -- The shared secret under the service's keyring, bound to this row.
  sealed_secret text not null,
  created_at timestamptz not null default now(),
  -- Null until its first right code: until then it protects nothing, and is asked for by nobody.
  confirmed_at timestamptz,
  -- The last time step whose code was taken (RFC 6238 §5.2: a code is good once).
  last_step bigint,
  primary key (user_id, id)
);
create table recovery_codes (
  user_id uuid not null constraint recovery_codes_of_user references users,
  code_hash bytea not null constraint recovery_codes_hash_sha256 check (octet_length(code_hash) = 32),
  created_at timestamptz not null default now(),
  used_at timestamptz,
  primary key (user_id, code_hash)
)`;

const MEMBERS = `
create table roles (
  merchant_id uuid not null,
  id uuid not null constraint roles_id_unique unique,
  name text not null constraint roles_name_length check (char_length(name) between 1 and 100),
  -- The list of permissions lives in code, where each route names its own.
  permissions text[] not null constraint roles_permissions_count check (cardinality(permissions) between 1 and 64),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (merchant_id, id)
);
create unique index roles_name_unique on roles (merchant_id, lower(name));

create table members (
  merchant_id uuid not null,
  user_id uuid not null constraint members_of_user references users,
  -- Exactly one of the two: a role that every hotel has, or one of the hotel's own.
  built_in_role text constraint members_built_in_role_known check (built_in_role in ('owner', 'admin', 'manager', 'staff')),
  role_id uuid,
  suspended_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (merchant_id, user_id),
  constraint members_one_role check (num_nonnulls(built_in_role, role_id) = 1),
  -- Keeps a role from being removed while somebody has it, and from being another hotel's.
  constraint members_role_of_merchant foreign key (merchant_id, role_id) references roles (merchant_id, id)
);
create index members_of_user on members (user_id);
create index members_with_role on members (merchant_id, role_id) where role_id is not null`;

// What holds for everybody at a hotel. A hotel without a row is let in and asks for no second factor.
const MERCHANT_ACCESS = `
create table merchant_access (
  merchant_id uuid primary key,
  suspended_at timestamptz,
  suspended_reason text constraint merchant_access_reason_length check (char_length(suspended_reason) between 1 and 500),
  second_factor_required boolean not null default false,
  updated_at timestamptz not null default now(),
  constraint merchant_access_suspended_for_a_reason check ((suspended_at is null) = (suspended_reason is null))
)`;

const SIGNING_KEYS = `
create table signing_keys (
  kid text primary key,
  -- JSON Web Key, public part only.
  public_key jsonb not null constraint signing_keys_public check (not public_key ? 'd'),
  -- PKCS #8 under the service's keyring, bound to the kid.
  sealed_private_key text not null,
  created_at timestamptz not null default now(),
  -- Published before it signs, so that whoever fetches the set now and then knows it in time.
  signs_from timestamptz not null,
  -- No token of it is good any more: taken out of the published set.
  retired_at timestamptz
)`;

const API_KEYS = `
alter table api_keys
  -- Addresses and networks (CIDR) it may be used from; empty: from anywhere.
  add column allowed_addresses text[] not null default '{}'
    constraint api_keys_allowed_addresses_count check (cardinality(allowed_addresses) <= 50),
  -- The key that this one took over from.
  add column rotated_from uuid,
  add constraint api_keys_rotated_from_own foreign key (merchant_id, rotated_from) references api_keys (merchant_id, id);
-- As before, with what is new; and an expiry only comes sooner, which is what rotating a key does to the old one.
drop trigger api_keys_fixed on api_keys;
create trigger api_keys_fixed before update on api_keys for each row
  when ((old.merchant_id, old.id, old.mode, old.scopes, old.secret_hash, old.allowed_addresses, old.rotated_from)
          is distinct from
          (new.merchant_id, new.id, new.mode, new.scopes, new.secret_hash, new.allowed_addresses, new.rotated_from)
        or coalesce(new.expires_at, 'infinity') > coalesce(old.expires_at, 'infinity')
        or (old.revoked_at is not null
            and (old.revoked_at, old.revoked_by) is distinct from (new.revoked_at, new.revoked_by)))
  execute function refuse_api_key_change();
-- Requests, as the gateway and payment-api report them; validations are what they asked us.
alter table api_key_usage add column requests bigint not null default 0
  constraint api_key_usage_requests_not_negative check (requests >= 0);
alter table api_key_usage drop constraint api_key_usage_validations_positive;
alter table api_key_usage alter column validations set default 0;
alter table api_key_usage add constraint api_key_usage_validations_not_negative check (validations >= 0);
-- Reports taken in, so that one that is sent again counts once. A day is far longer than anybody repeats one.
create table usage_reports (
  id uuid primary key,
  received_at timestamptz not null default now()
);
create index usage_reports_old on usage_reports (received_at)`;

// What happened to a person's account: chained and append-only like a hotel's audit trail, and theirs wherever they work.
const USER_EVENTS = `
create table user_events (
  user_id uuid not null,
  -- 1, 2, 3 … for each person, so that a missing event is seen.
  sequence bigint not null,
  id uuid not null,
  at timestamptz not null,
  action text not null constraint user_events_action_form check (action ~ '^[a-z_]+\\.[a-z_]+$'),
  request_id text not null,
  address text not null,
  details jsonb not null,
  previous_hash bytea not null,
  hash bytea not null,
  primary key (user_id, sequence)
);
create function user_event_hash(event user_events) returns bytea language sql stable as $$
  select sha256(convert_to(jsonb_build_array(
    event.user_id, event.sequence, event.id, extract(epoch from event.at), event.action, event.request_id,
    event.address, event.details, encode(event.previous_hash, 'hex'))::text, 'UTF8'))
$$;
create function chain_user_event() returns trigger language plpgsql as $$
declare
  previous user_events;
begin
  -- One writer at a time for each person: the next event must see the one before it committed.
  perform pg_advisory_xact_lock(hashtextextended('user_events ' || new.user_id, 0));
  select * into previous from user_events where user_id = new.user_id order by sequence desc limit 1;
  new.sequence := coalesce(previous.sequence, 0) + 1;
  new.at := clock_timestamp();
  new.previous_hash := coalesce(previous.hash, '');
  new.hash := user_event_hash(new);
  return new;
end $$;
create trigger user_events_chained before insert on user_events for each row execute function chain_user_event();
create trigger user_events_append_only before update or delete or truncate on user_events
  for each statement execute function refuse_audit_change()`;

// Lists and reads see one merchant's rows, or one person's, or none; never a hash or a sealed secret.
const READER = `
alter table members enable row level security;
create policy members_of_merchant on members for select to auth_reader
  using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid
         or user_id = nullif(current_setting('centra.user_id', true), '')::uuid);
alter table roles enable row level security;
-- The hotel's own, and for a person the one that they have there.
create policy roles_of_merchant on roles for select to auth_reader
  using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid
         or exists (select from members
                     where members.user_id = nullif(current_setting('centra.user_id', true), '')::uuid
                       and members.merchant_id = roles.merchant_id and members.role_id = roles.id));
alter table merchant_access enable row level security;
create policy merchant_access_of_merchant on merchant_access for select to auth_reader
  using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid
         or exists (select from members
                     where members.user_id = nullif(current_setting('centra.user_id', true), '')::uuid
                       and members.merchant_id = merchant_access.merchant_id));
alter table sessions enable row level security;
create policy sessions_of_user on sessions for select to auth_reader
  using (user_id = nullif(current_setting('centra.user_id', true), '')::uuid);
alter table factors enable row level security;
-- A person's own; a hotel sees of its people whether they have one.
create policy factors_of_user on factors for select to auth_reader
  using (user_id = nullif(current_setting('centra.user_id', true), '')::uuid
         or exists (select from members where members.user_id = factors.user_id
                      and members.merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid));
alter table users enable row level security;
-- A person, and the people of a hotel.
create policy users_of_merchant on users for select to auth_reader
  using (id = nullif(current_setting('centra.user_id', true), '')::uuid
         or exists (select 1 from members where members.user_id = users.id
                      and members.merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid));
alter table api_key_usage enable row level security;
create policy api_key_usage_of_merchant on api_key_usage for select to auth_reader
  using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid);
grant select on members, roles, sessions, merchant_access, api_key_usage to auth_reader;
grant select (user_id, id, kind, name, created_at, confirmed_at) on factors to auth_reader;
grant select (id, email, name, locale, email_verified_at, created_at) on users to auth_reader;
grant select (allowed_addresses, rotated_from) on api_keys to auth_reader`;
