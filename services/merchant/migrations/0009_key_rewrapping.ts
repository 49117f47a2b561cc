import { Migration } from '@mikro-orm/migrations';

/** When a data key was last wrapped, so that replicas that disagree on the master key do not wrap it in turns without end. */
export class Migration0009KeyRewrapping extends Migration {
  override up(): void {
    // Row level security is forced for the owner too; without this the rows that exist would not be seen.
    this.addSql(`select set_config('centra.every_merchant', 'on', true)`);
    this.addSql(WRAPPED_AT);
  }
}

const WRAPPED_AT = `
alter table data_keys add column wrapped_at timestamptz not null default now();
update data_keys set wrapped_at = created_at;
`;
