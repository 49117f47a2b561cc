import { Migration } from '@mikro-orm/migrations';

/** Invitations to work at a hotel; what merchant and a hotel's people read of memberships and of the audit trail. */
export class Invitations0003 extends Migration {
  override up(): void {
    this.addSql(INVITATIONS);
    this.addSql(INVITATION_MAILS);
    this.addSql(MEMBERSHIPS);
    this.addSql(AUDIT_READS);
    this.addSql(READER);
  }
}

const INVITATIONS = `
create table invitations (
  merchant_id uuid not null,
  id uuid not null constraint invitations_id_unique unique,
  -- As the inviter wrote it: the mail goes there.
  email text not null constraint invitations_email_length check (char_length(email) between 3 and 254),
  -- The address that counts, as for accounts: only its owner accepts.
  email_key text not null,
  -- Of the mail, and of an account that is made with it.
  locale text not null constraint invitations_locale_known check (locale in ('en', 'fr', 'es', 'ar')),
  -- Exactly one of the two, as for members. No foreign key: a role may be deleted while an invitation to it is open, which
  -- then is good for nothing.
  built_in_role text
    constraint invitations_built_in_role_known check (built_in_role in ('owner', 'admin', 'manager', 'staff')),
  role_id uuid,
  -- As it was called then, for the list when it is gone.
  role_name text not null,
  -- As the merchant service called the hotel then, for the mail.
  merchant_name text not null constraint invitations_merchant_name_length check (char_length(merchant_name) <= 200),
  -- Whoever sent it last, and must still be allowed to give the role when it is accepted.
  invited_by uuid not null constraint invitations_of_inviter references users,
  -- SHA-256; null until a mail with the secret is on its way.
  secret_hash bytea constraint invitations_secret_hash_sha256 check (octet_length(secret_hash) = 32),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null constraint invitations_expires_after_creation check (expires_at > created_at),
  accepted_at timestamptz,
  revoked_at timestamptz,
  primary key (merchant_id, id),
  constraint invitations_one_role check (num_nonnulls(built_in_role, role_id) = 1),
  constraint invitations_one_end check (num_nonnulls(accepted_at, revoked_at) <= 1)
);
-- A second invitation to an address replaces the first. An expired one can be sent again, so it counts as open.
create unique index invitations_open on invitations (merchant_id, email_key)
  where accepted_at is null and revoked_at is null;
-- A link is found by its secret.
create unique index invitations_secret on invitations (secret_hash) where secret_hash is not null;
create index invitations_old on invitations (expires_at)`;

// Whoever invites must not fill a stranger's mailbox, from however many hotels: mails are counted by address.
const INVITATION_MAILS = `
create table invitation_mails (
  -- SHA-256 of the address that counts.
  address_hash bytea not null constraint invitation_mails_hash_sha256 check (octet_length(address_hash) = 32),
  asked_at timestamptz not null default clock_timestamp(),
  primary key (address_hash, asked_at)
);
create index invitation_mails_old on invitation_mails (asked_at)`;

// A person's hotels are read in pages, in the order of their ids.
const MEMBERSHIPS = `
create index members_of_user_by_hotel on members (user_id, merchant_id);
drop index members_of_user`;

// The trail is read newest first, and by who, what, which object or when.
const AUDIT_READS = `
create index audit_events_by_actor on audit_events (merchant_id, actor, sequence);
create index audit_events_by_action on audit_events (merchant_id, action, sequence);
create index audit_events_by_object on audit_events (merchant_id, object_id, sequence);
create index audit_events_by_time on audit_events (merchant_id, at)`;

// As for members: reads see one merchant's rows, and never a hash of a secret or the address that counts.
const READER = `
alter table invitations enable row level security;
create policy invitations_of_merchant on invitations for select to auth_reader
  using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid);
alter table audit_events enable row level security;
create policy audit_events_of_merchant on audit_events for select to auth_reader
  using (merchant_id = nullif(current_setting('centra.merchant_id', true), '')::uuid);
grant select (merchant_id, id, email, locale, built_in_role, role_id, role_name, merchant_name, invited_by, created_at,
  expires_at, accepted_at, revoked_at) on invitations to auth_reader;
grant select on audit_events to auth_reader`;
