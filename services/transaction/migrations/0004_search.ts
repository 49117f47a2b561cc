import { Migration } from '@mikro-orm/migrations';

/** What a hotel's staff search payments by. */
export class Migration0004Search extends Migration {
  override up(): void {
    // Line feeds part the fields, and no field may hold one: nothing is found across two of them, and an e-mail address
    // is found whole behind the last. Of columns that never change, so the index below is written once for each payment.
    this.addSql(`
      alter table payments add column search_text text not null generated always as (
        lower(booking_reference || E'\\n' || coalesce(guest ->> 'name', '') || E'\\n' || coalesce(guest ->> 'email', ''))
      ) stored;
    `);
    // A search walks one hotel's part of this index, newest first, and stops when its page is full: some 150 bytes for each
    // payment that it passes, and no row that does not match. A trigram index would find rare words sooner and cost each
    // charge dozens of entries instead of one.
    this.addSql(
      `create index payments_search on payments (merchant_id, mode, id desc) include (search_text);`,
    );
  }
}
