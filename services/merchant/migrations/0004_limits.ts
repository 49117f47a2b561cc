import { Migration } from '@mikro-orm/migrations';

/** Limits that a hotel has in place of the platform's. */
export class Migration0004Limits extends Migration {
  override up(): void {
    this.addSql(LIMITS);
  }
}

const LIMITS = `
create table merchant_limits (
  merchant_id uuid not null references merchants,
  -- The gateway's windows that are counted per hotel; any other name would change nothing there.
  name text not null check (name in ('payments', 'payments-hour', 'default', 'admin')),
  -- Requests in the window. Nobody is locked out by a limit: that is what suspending is for.
  quota integer not null check (quota between 1 and 1000000),
  primary key (merchant_id, name)
);

alter table merchant_limits enable row level security;
alter table merchant_limits force row level security;
create policy merchant_limits_tenant on merchant_limits using (merchant_id = centra_tenant());
create policy merchant_limits_every on merchant_limits to current_user using (centra_every_merchant());

grant select on merchant_limits to merchant_reader;
`;
