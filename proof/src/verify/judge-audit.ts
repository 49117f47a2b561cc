import { createHash } from 'node:crypto';
import { DATABASES, NumberText } from './books.ts';
import type { Books, Database } from './books.ts';
import { groupBy } from './group.ts';
import type { Found, Invariant } from './judge.ts';

/** What may never be altered: I11. */
export const AUDIT: readonly Invariant[] = [
  {
    number: 'I11',
    rule: 'audit: unbroken hash chain per hotel, no gap; histories are append-only, nobody but the owner has UPDATE or DELETE (no ledger yet; the history of payments has no chain)',
    judge: judgeAudit,
  },
];

/** Tables that are only ever added to, and the trigger function that refuses everything else. */
const APPEND_ONLY: readonly { database: Database; table: string; refuses: string }[] = [
  { database: 'auth', table: 'audit_events', refuses: 'refuse_audit_change' },
  { database: 'merchant', table: 'audit_events', refuses: 'refuse_audit_change' },
  { database: 'merchant', table: 'organisation_events', refuses: 'refuse_audit_change' },
  { database: 'transaction', table: 'payment_events', refuses: 'refuse_change' },
  { database: 'transaction', table: 'operation_verdicts', refuses: 'refuse_change' },
  { database: 'transaction', table: 'provider_event_replays', refuses: 'refuse_change' },
  { database: 'transaction', table: 'dispute_events', refuses: 'refuse_change' },
  { database: 'transaction', table: 'simulator_effects', refuses: 'refuse_change' },
];

function judgeAudit(books: Books): Found {
  const auth = books.audit.auth.map(authEvent);
  const merchant = books.audit.merchant.map(merchantEvent);
  return {
    checked: auth.length + merchant.length + APPEND_ONLY.length,
    offending: [
      ...brokenChains('auth', auth, ''),
      ...brokenChains('merchant', merchant, '00'.repeat(32)),
      ...APPEND_ONLY.flatMap((place) => unguarded(books, place)),
      ...DATABASES.flatMap((database) => grantsBeyond(books, database)),
    ],
  };
}

/** One event of a chain: its hash as stored, and as it comes out. Hexadecimal. */
type Link = { hotel: string; sequence: bigint; previous: string; hash: string; recomputed: string };

function brokenChains(service: string, links: readonly Link[], first: string): string[] {
  return [...groupBy(links, ({ hotel }) => hotel)].flatMap(([hotel, own]) => {
    const found: string[] = [];
    let [sequence, previous] = [0n, first];
    for (const link of own.toSorted((one, other) => Number(one.sequence - other.sequence))) {
      const name = `${service} audit event ${link.sequence} of hotel ${hotel}`;
      if (link.sequence !== sequence + 1n) found.push(`${name} follows ${sequence}`);
      if (link.previous !== previous) found.push(`${name} does not continue the chain`);
      if (link.hash !== link.recomputed) found.push(`${name} was altered: its hash does not fit`);
      ({ sequence, hash: previous } = link);
    }
    return found;
  });
}

// The formulas of services/merchant/migrations/0001 and services/auth/migrations/0001, written a second time on purpose.

function merchantEvent(row: Record<string, unknown>): Link {
  const previous = hexOf(row['previous_hash']);
  const array = [
    row['merchant_id'],
    row['seq'],
    new NumberText(microsOf(row['at']).toString()),
    ...['actor', 'address', 'request_id', 'action', 'object_id', 'before', 'after'].map(
      (name) => row[name] ?? null,
    ),
  ];
  const input = Buffer.concat([Buffer.from(previous, 'hex'), Buffer.from(toJsonb(array))]);
  return linkOf(row, 'seq', previous, input);
}

function authEvent(row: Record<string, unknown>): Link {
  const previous = hexOf(row['previous_hash']);
  const micros = microsOf(row['at']);
  const seconds = `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, '0')}`;
  const array = [
    row['merchant_id'],
    row['id'],
    row['sequence'],
    new NumberText(seconds),
    ...['actor', 'action', 'object_id', 'request_id', 'address', 'details'].map((name) => row[name] ?? null),
    previous,
  ];
  return linkOf(row, 'sequence', previous, Buffer.from(toJsonb(array)));
}

function linkOf(row: Record<string, unknown>, number: string, previous: string, input: Buffer): Link {
  const sequence = row[number];
  return {
    hotel: String(row['merchant_id']),
    sequence: BigInt(sequence instanceof NumberText ? sequence.source : -1),
    previous,
    hash: hexOf(row['hash']),
    recomputed: createHash('sha256').update(input).digest('hex'),
  };
}

function hexOf(bytea: unknown): string {
  return typeof bytea === 'string' ? bytea.slice(2) : '';
}

/** Microseconds since 1970 of a time as Postgres writes it in UTC, all six digits of it. */
function microsOf(time: unknown): bigint {
  const [, seconds, fraction = ''] = /^(.*?)(?:\.(\d{1,6}))?\+00:00$/.exec(String(time)) ?? [];
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000n + BigInt(fraction.padEnd(6, '0'));
}

/** The text of a jsonb value: members by length of their names, then by bytes; a blank after each comma and colon. */
function toJsonb(value: unknown): string {
  if (value instanceof NumberText) return value.source;
  if (Array.isArray(value)) return `[${value.map(toJsonb).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([one], [other]) => {
    const [a, b] = [Buffer.from(one), Buffer.from(other)];
    return a.length - b.length || a.compare(b);
  });
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}: ${toJsonb(member)}`).join(', ')}}`;
}

function unguarded(
  { catalogue }: Books,
  { database, table, refuses }: (typeof APPEND_ONLY)[number],
): string[] {
  const guards = catalogue[database].triggers.filter(
    (trigger) =>
      trigger.table_name === table &&
      trigger.function === refuses &&
      trigger.is_before &&
      // Enabled for every session of ours; `D` and `R` are not.
      (trigger.enabled === 'O' || trigger.enabled === 'A'),
  );
  const isGuarded = (['on_update', 'on_delete', 'on_truncate'] as const).every((what) =>
    guards.some((trigger) => trigger[what]),
  );
  return isGuarded ? [] : [`${database}.${table} has no trigger that refuses UPDATE, DELETE and TRUNCATE`];
}

// A role of reads may read. The owner's own right is bound by the triggers above, and in merchant's database revoked too.
const CHANGES = new Set(['UPDATE', 'DELETE', 'TRUNCATE']);
const REVOKED: readonly string[] = ['audit_events', 'organisation_events'];

function grantsBeyond({ catalogue }: Books, database: Database): string[] {
  return catalogue[database].privileges.flatMap(({ table_name, owner, grantee, privilege, is_superuser }) => {
    if (!CHANGES.has(privilege) || is_superuser) return [];
    const isRevoked = database === 'merchant' && REVOKED.includes(table_name);
    return grantee !== owner || isRevoked ? [`${grantee} may ${privilege} ${database}.${table_name}`] : [];
  });
}
