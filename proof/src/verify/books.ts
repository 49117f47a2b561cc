import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { RUN_FILES, clientLineSchema, resourceLineSchema, runSchema } from '../run-folder.ts';
import type { ClientLine, ResourceLine, RunFacts } from '../run-folder.ts';
import { chargesAtSimulator, effectsAtStripe, followUpsAtSimulator } from './effects.ts';
import type { Effect } from './effects.ts';
import { groupBy } from './group.ts';
import { keyUsesOf } from './key-uses.ts';
import type { KeyUse } from './key-uses.ts';
import { toPublicId } from './public-ids.ts';
import { parseExactly, readAll, readLines } from './read-lines.ts';
import * as rows from './rows.ts';
import { readStripeJournal } from './stripe-journal.ts';
import type { StripeJournal } from './stripe-journal.ts';

/** The databases that a run has, by the names that they have in the dump. */
export const DATABASES = ['auth', 'merchant', 'payment_api', 'transaction'] as const;
export type Database = (typeof DATABASES)[number];

type Rows<T extends z.ZodType> = z.infer<T>[];

export type Catalogue = {
  privileges: Rows<typeof rows.privilegeRow>;
  triggers: Rows<typeof rows.triggerRow>;
  connections: Rows<typeof rows.connectionRow>;
};

/** Everything that there is to compare. */
export type Books = {
  run: RunFacts;
  /** Undefined: nobody wrote one. */
  client: ClientLine[] | undefined;
  /** The same, key by key. */
  uses: KeyUse[] | undefined;
  resources: ResourceLine[] | undefined;
  stripe: StripeJournal;
  effects: Effect[];
  payments: rows.PaymentRow[];
  operations: rows.OperationRow[];
  events: rows.PaymentEventRow[];
  outbox: Rows<typeof rows.outboxRow>;
  providerEvents: rows.ProviderEventRow[];
  providerReferences: Rows<typeof rows.providerReferenceRow>;
  verdicts: Rows<typeof rows.verdictRow>;
  replays: Rows<typeof rows.replayRow>;
  disputes: Rows<typeof rows.disputeRow>;
  disputeEvents: Rows<typeof rows.disputeEventRow>;
  simulatorEffects: rows.SimulatorEffectRow[];
  replies: rows.ReplyRow[];
  quotedOperations: Rows<typeof rows.quotedOperationRow>;
  quotes: Rows<typeof rows.merchantRow>;
  merchants: Rows<typeof rows.hotelRow>;
  organisations: Rows<typeof rows.organisationRow>;
  invitations: Rows<typeof rows.invitationRow>;
  routingRules: Rows<typeof rows.ruleRow>;
  webhookEndpoints: Rows<typeof rows.endpointRow>;
  webhookSecrets: rows.WebhookSecretRow[];
  connectionTests: Rows<typeof rows.connectionTestRow>;
  origins: Rows<typeof rows.originRow>;
  accounts: Rows<typeof rows.accountRow>;
  versions: rows.VersionRow[];
  dataKeys: rows.DataKeyRow[];
  apiKeys: Rows<typeof rows.apiKeyRow>;
  apiKeyUsage: Rows<typeof rows.apiKeyUsageRow>;
  /** Numbers are their own text here. */
  audit: Readonly<Record<'auth' | 'merchant', Record<string, unknown>[]>>;
  catalogue: Readonly<Record<Database, Catalogue>>;
  /** The transaction's database time of the dump, in milliseconds since 1970. */
  now: number;
  keyring: z.infer<typeof keyringSchema>;
};

const keyringSchema = z.object({ active: z.string(), keys: z.record(z.string(), z.string()) });

/** Reads a run folder. Throws when something that every run leaves is missing or unreadable. */
export function readBooks(folder: string): Books {
  const run = runSchema.parse(JSON.parse(readFileSync(join(folder, RUN_FILES.run), 'utf8')));
  const table = <T extends z.ZodType>(database: Database, name: string, schema: T): Rows<T> => {
    const file = join(folder, RUN_FILES.dump, database, `${name}.jsonl`);
    if (!existsSync(file)) throw new Error(`the dump has no ${database}/${name}.jsonl`);
    return readAll(file, schema);
  };
  const now = Date.parse(table('transaction', 'pg_clock', rows.clockRow)[0]?.at ?? '');
  const payments = table('transaction', 'payments', rows.paymentRow);
  const operations = table('transaction', 'operations', rows.operationRow);
  const simulatorEffects = table('transaction', 'simulator_effects', rows.simulatorEffectRow);
  const challenges = table('transaction', 'simulator_challenges', rows.simulatorChallengeRow);
  const accounts = table('merchant', 'provider_accounts', rows.accountRow);
  const stripe = readStripeJournal(join(folder, RUN_FILES.stripe));
  // The built-in simulator knows an account by its id or by its public name.
  const owners = new Map(
    accounts.flatMap(({ id, merchant_id }) => [
      [id, merchant_id],
      [toPublicId('pa', id), merchant_id],
    ]),
  );
  const client = journal(folder, RUN_FILES.client)?.map((line) => clientLineSchema.parse(line));
  const notApproved = challenges.filter((one) => one.state !== 'approved' || one.failure_code !== null);
  return {
    run,
    client,
    // The hotels of a run are in test mode: live keys would reach live providers.
    uses: client === undefined ? undefined : keyUsesOf(client, 'test'),
    resources: journal(folder, RUN_FILES.resources)?.map((line) => resourceLineSchema.parse(line)),
    stripe,
    effects: [
      ...effectsAtStripe(stripe.effects, run.hotels),
      ...followUpsAtSimulator(simulatorEffects, owners, now),
      ...chargesAtSimulator(
        payments,
        groupBy(operations, ({ payment_id }) => payment_id),
        new Set(notApproved.map(({ reference }) => reference)),
      ),
    ],
    payments,
    operations,
    events: table('transaction', 'payment_events', rows.paymentEventRow).toSorted(
      (one, other) => one.version - other.version,
    ),
    outbox: table('transaction', 'outbox', rows.outboxRow),
    providerEvents: table('transaction', 'provider_events', rows.providerEventRow),
    providerReferences: table('transaction', 'provider_references', rows.providerReferenceRow),
    verdicts: table('transaction', 'operation_verdicts', rows.verdictRow),
    replays: table('transaction', 'provider_event_replays', rows.replayRow),
    disputes: table('transaction', 'disputes', rows.disputeRow),
    disputeEvents: table('transaction', 'dispute_events', rows.disputeEventRow),
    simulatorEffects,
    replies: table('payment_api', 'replies', rows.replyRow),
    quotedOperations: table('payment_api', 'quoted_operations', rows.quotedOperationRow),
    quotes: table('payment_api', 'quotes', rows.merchantRow),
    merchants: table('merchant', 'merchants', rows.hotelRow),
    organisations: table('merchant', 'organisations', rows.organisationRow),
    invitations: table('auth', 'invitations', rows.invitationRow),
    routingRules: table('merchant', 'routing_rules', rows.ruleRow),
    webhookEndpoints: table('merchant', 'webhook_endpoints', rows.endpointRow),
    webhookSecrets: table('merchant', 'webhook_endpoint_secrets', rows.webhookSecretRow),
    connectionTests: table('merchant', 'connection_tests', rows.connectionTestRow),
    origins: table('merchant', 'merchant_origins', rows.originRow),
    accounts,
    versions: table('merchant', 'provider_account_versions', rows.versionRow),
    dataKeys: table('merchant', 'data_keys', rows.dataKeyRow),
    apiKeys: table('auth', 'api_keys', rows.apiKeyRow),
    apiKeyUsage: table('auth', 'api_key_usage', rows.apiKeyUsageRow),
    audit: { auth: auditOf(folder, 'auth'), merchant: auditOf(folder, 'merchant') },
    catalogue: {
      auth: catalogueOf('auth', table),
      merchant: catalogueOf('merchant', table),
      payment_api: catalogueOf('payment_api', table),
      transaction: catalogueOf('transaction', table),
    },
    now,
    keyring: keyringSchema.parse(JSON.parse(readFileSync(join(folder, RUN_FILES.keyring), 'utf8'))),
  };
}

/** The lines of a journal that not every run has. Its numbers are small and the schemas are of plain JSON. */
function journal(folder: string, name: string): unknown[] | undefined {
  const file = join(folder, name);
  return existsSync(file) ? [...readLines(file)].map((line): unknown => JSON.parse(line)) : undefined;
}

/** Its hashes were made over the text of numbers, which is kept as it stands. */
function auditOf(folder: string, database: Database): Record<string, unknown>[] {
  const file = join(folder, RUN_FILES.dump, database, 'audit_events.jsonl');
  return [...readLines(file)].map((line) =>
    rows.auditRow.parse(parseExactly(line, (source) => new NumberText(source))),
  );
}

/** A number as it was written. */
export class NumberText {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

type ReadTable = <T extends z.ZodType>(database: Database, name: string, schema: T) => Rows<T>;

function catalogueOf(database: Database, table: ReadTable): Catalogue {
  return {
    privileges: table(database, 'pg_privileges', rows.privilegeRow),
    triggers: table(database, 'pg_triggers', rows.triggerRow),
    connections: table(database, 'pg_connections', rows.connectionRow),
  };
}
