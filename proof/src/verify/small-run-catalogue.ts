import { at, lines } from './small-run-file.ts';
import type { SmallRun } from './small-run-file.ts';

const GUARDED: Readonly<Record<string, readonly string[]>> = {
  auth: ['audit_events'],
  merchant: ['audit_events', 'organisation_events'],
  payment_api: [],
  transaction: [
    'payment_events',
    'operation_verdicts',
    'provider_event_replays',
    'dispute_events',
    'simulator_effects',
  ],
};

/** What Postgres says of itself: triggers, grants, connections, the time. */
export function catalogueRows(run: SmallRun): void {
  for (const [database, tables] of Object.entries(GUARDED)) {
    const file = (name: string): string => `dump/${database}/${name}.jsonl`;
    lines(run, file('pg_clock')).push({ at: at(0) });
    lines(run, file('pg_connections')).push({
      role: database,
      application: '',
      state: 'idle',
      transaction_seconds: 0,
    });
    lines(run, file('pg_triggers'));
    lines(run, file('pg_privileges'));
    for (const table_name of tables) {
      const isAudit = database === 'auth' || database === 'merchant';
      lines(run, file('pg_triggers')).push({
        table_name,
        name: `${table_name}_append_only`,
        enabled: 'O',
        function: isAudit ? 'refuse_audit_change' : 'refuse_change',
        is_before: true,
        on_delete: true,
        on_update: true,
        on_truncate: true,
      });
      const grant = { table_name, owner: database, is_superuser: false };
      lines(run, file('pg_privileges')).push(
        { ...grant, grantee: database, privilege: 'INSERT' },
        { ...grant, grantee: `${database}_reader`, privilege: 'SELECT' },
      );
    }
  }
}
