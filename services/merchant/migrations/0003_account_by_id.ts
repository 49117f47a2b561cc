import { Migration } from '@mikro-orm/migrations';

/** A webhook names an account and no hotel. */
export class Migration0003AccountById extends Migration {
  override up(): void {
    this.addSql(ACCOUNT_BY_ID);
  }
}

const ACCOUNT_BY_ID = `
-- Unique, so that one webhook address can never mean two hotels.
create unique index provider_accounts_id on provider_accounts (id);
`;
