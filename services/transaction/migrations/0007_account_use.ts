import { Migration } from '@mikro-orm/migrations';

/** What is still under way on a provider account: asked before the secrets of one that was rotated or deleted are destroyed. */
export class Migration0007AccountUse extends Migration {
  override up(): void {
    for (const index of INDEXES) this.addSql(index);
  }
}

// Partial, so they hold what is open and nothing of the past, and an account is unique enough to lead.
const INDEXES = [
  `create index operations_open_of_account on operations (provider_account_id, provider_account_version)
     where state in ('prepared', 'sent', 'unknown');`,
  `create index operations_open_of_vault on operations (vault_account_id, vault_account_version)
     where vault_account_id is not null and state in ('prepared', 'sent', 'unknown');`,
  // A security code that is not wiped yet needs the vault, although its operation is over.
  `create index operations_wipe_of_vault on operations (vault_account_id, vault_account_version)
     where service_code_wipe = 'due';`,
  `create index payments_holds_of_account on payments (provider_account_id) where hold_open;`,
];
