import { Migration } from '@mikro-orm/migrations';

/** What the queue for people needs to know of an operation, and a verdict for each time somebody gave one. */
export class Migration0006Queue extends Migration {
  override up(): void {
    // Nullable without a default: no row is rewritten.
    this.addSql(`
      alter table operations
        -- When somebody last took it up again; null: only its first call has been made.
        add column tried_at timestamptz,
        -- The due_at that the last claim set. While they are equal and ahead, somebody holds the operation at this moment;
        -- settling it back changes due_at.
        add column held_until timestamptz;
    `);
    // A stop between a verdict and its effect leaves the operation open, and whoever judges it then may judge otherwise:
    // each verdict stays on record. The fence that it raised tells them apart.
    this.addSql(`
      alter table operation_verdicts
        add column attempt integer not null default 1,
        drop constraint operation_verdicts_pkey,
        add primary key (merchant_id, operation_id, attempt);
    `);
  }
}
