import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type Row = Record<string, unknown>;
/** File name in the run folder to its lines; `run.json` and `keyring.json` have one. */
export type SmallRun = { files: Record<string, Row[]> };

/** Hotel A is on Stripe, B on the built-in simulator. */
export const A = '90425b48-0ce1-4d66-82b8-a9d12afa415b';
export const B = '2d3adaf1-6792-424a-989e-6787bc63136d';
export const STRIPE_ACCOUNT = 'acct_small';
/** Their provider accounts, and the card vault of A. */
export const ACCOUNTS: Readonly<Record<string, string>> = { [A]: uuidOf(0xa1), [B]: uuidOf(0xb1) };
export const VAULT = uuidOf(0xa2);

export const QUIET_AT = Date.parse('2026-11-21T12:00:00.000Z');
export const DAY_MS = 24 * 60 * 60_000;

/** A UUID that is the same in every run. */
export function uuidOf(nth: number): string {
  return `01a1ff1c-0000-7000-8000-${nth.toString(16).padStart(12, '0')}`;
}

export function at(msBeforeQuiet: number): string {
  return new Date(QUIET_AT - msBeforeQuiet).toISOString().replace('Z', '+00:00');
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function lines(run: SmallRun, file: string): Row[] {
  return (run.files[file] ??= []);
}

/** The first line that has these values. Throws when there is none: a test that changes nothing proves nothing. */
export function find(run: SmallRun, file: string, having: Row): Row {
  const found = lines(run, file).find((row) =>
    Object.entries(having).every(([name, value]) => row[name] === value),
  );
  if (found === undefined) throw new Error(`no line of ${file} has ${JSON.stringify(having)}`);
  return found;
}

/** Writes it where `verifyRun` reads it. */
export function writeSmallRun({ files }: SmallRun, folder: string): void {
  for (const [name, rows] of Object.entries(files)) {
    const file = join(folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
}

export const T = (table: string): string => `dump/transaction/${table}.jsonl`;
export const PAYMENTS = T('payments');
export const OPERATIONS = T('operations');
export const STEPS = T('payment_events');
export const OUTBOX = T('outbox');
export const REPLIES = 'dump/payment_api/replies.jsonl';
export const CLIENT = 'client.jsonl';
export const STRIPE = 'stripe.jsonl';
