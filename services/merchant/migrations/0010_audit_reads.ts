import { Migration } from '@mikro-orm/migrations';

/** A hotel reads its own history. */
export class Migration0010AuditReads extends Migration {
  override up(): void {
    this.addSql(AUDIT_READS);
  }
}

const AUDIT_READS = `
-- Nothing deletes a row: a year of history must be at hand (PCI DSS 10.5.1), and a hotel's whole chain proves more than
-- its last part.
comment on table audit_events is 'Append-only and chained per hotel. Kept for good, at least 12 months (PCI DSS 10.5.1).';

-- Lists and exports run as the role that can change nothing. What is hashed and the hashes are there, so that whoever
-- holds an export can check it.
grant select (merchant_id, seq, at, actor, address, request_id, action, object_id, before, after, previous_hash, hash)
  on audit_events to merchant_reader;

-- A month out of years, and everything that ever happened to one object. Newest first is the primary key's own order.
create index audit_events_at on audit_events (merchant_id, at);
create index audit_events_object on audit_events (merchant_id, object_id, seq);
-- How often was the history itself looked at lately? Asked at every export and list.
create index audit_events_looked_at on audit_events (merchant_id, action, at)
  where action in ('audit_log.exported', 'audit_log.read');
`;
