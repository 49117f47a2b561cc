import { AUTH_AUDIT, MERCHANT_AUDIT } from './small-run-audit.ts';
import {
  A,
  ACCOUNTS,
  B,
  CLIENT,
  OPERATIONS,
  OUTBOX,
  PAYMENTS,
  QUIET_AT,
  REPLIES,
  STEPS,
  STRIPE,
  T,
  at,
  find,
  lines,
  sha256,
  uuidOf,
} from './small-run-file.ts';
import type { Row, SmallRun } from './small-run-file.ts';
import { DATA_KEYS, VERSIONS } from './small-run-sealing.ts';
import { change, double, drop, inside } from './tamper.ts';
import type { Tampering } from './tamper.ts';

const EVENTS = T('provider_events');
const SIMULATOR = T('simulator_effects');
const CHARGE = { kind: 'sale', merchant_id: A, state: 'succeeded' };
const CHARGED = { id: uuidOf(1) };
const FAILED = { id: uuidOf(5) };

/** Of histories, references, sealed values, replies, holds, calls and resources. */
export const RECORD_TAMPERINGS: readonly Tampering[] = [
  { invariant: 'I11', name: 'an audit event that is gone', tamper: drop(MERCHANT_AUDIT, { seq: 2 }) },
  {
    invariant: 'I11',
    name: 'an audit event with another actor',
    tamper: change(MERCHANT_AUDIT, { seq: 3 }, { actor: 'operator' }),
  },
  {
    invariant: 'I11',
    name: 'one altered word deep in an audit event',
    tamper: (run) => {
      inside(find(run, AUTH_AUDIT, { merchant_id: A }), 'details')['mode'] = 'live';
    },
  },
  {
    invariant: 'I11',
    name: 'an audit event moved by a microsecond',
    tamper: (run) => {
      const event = find(run, MERCHANT_AUDIT, { seq: 3 });
      event['at'] = String(event['at']).replace(/\d\+/, (last) => `${(Number(last[0]) + 1) % 10}+`);
    },
  },
  {
    invariant: 'I11',
    name: 'a trigger that is switched off',
    tamper: change('dump/transaction/pg_triggers.jsonl', { table_name: 'payment_events' }, { enabled: 'D' }),
  },
  {
    invariant: 'I11',
    name: 'a role of reads that may delete',
    tamper: change('dump/auth/pg_privileges.jsonl', { privilege: 'SELECT' }, { privilege: 'DELETE' }),
  },
  {
    invariant: 'I11',
    name: "a service that may update merchant's audit trail",
    tamper: change('dump/merchant/pg_privileges.jsonl', { privilege: 'INSERT' }, { privilege: 'UPDATE' }),
  },
  {
    invariant: 'I12',
    name: 'a missing step',
    tamper: drop(STEPS, { payment_id: uuidOf(2), version: 2 }),
  },
  {
    invariant: 'I12',
    name: 'a move that is not legal',
    tamper: (run) => {
      find(run, STEPS, { payment_id: uuidOf(3), version: 2 })['to_status'] = 'failed';
      find(run, STEPS, { payment_id: uuidOf(3), version: 3 })['from_status'] = 'failed';
    },
  },
  {
    invariant: 'I12',
    name: 'a payment ahead of its history',
    tamper: change(PAYMENTS, FAILED, { version: 3 }),
  },
  {
    invariant: 'I12',
    name: 'a status that is not what the sums make of it',
    tamper: change(PAYMENTS, CHARGED, { status: 'refunded' }),
  },
  { invariant: 'I13', name: 'a step without an outgoing event', tamper: drop(OUTBOX, { version: 2 }) },
  { invariant: 'I13', name: 'an outgoing event twice', tamper: double(OUTBOX, { version: 2 }) },
  {
    invariant: 'I13',
    name: 'an outgoing event of no step',
    tamper: change(OUTBOX, { version: 2 }, { version: 9 }),
  },
  {
    invariant: 'I13',
    name: "a step by another payment's operation",
    tamper: (run) => {
      const foreign = find(run, OPERATIONS, { payment_id: uuidOf(5) })['id'];
      find(run, STEPS, { payment_id: uuidOf(1), version: 2 })['operation_id'] = foreign;
    },
  },
  {
    invariant: 'I15',
    name: 'an event that was answered with 200 and vanished',
    tamper: drop(EVENTS, { provider_event_id: 'evt_2' }),
  },
  {
    invariant: 'I15',
    name: 'an event that nobody has looked at',
    tamper: change(EVENTS, { provider_event_id: 'evt_2' }, { state: 'received' }),
  },
  {
    invariant: 'I15',
    name: 'a mismatch without a reason',
    tamper: change(EVENTS, { provider_event_id: 'evt_2' }, { state: 'mismatch', reason: '' }),
  },
  {
    invariant: 'I15',
    name: 'an event that is stored twice',
    tamper: double(EVENTS, { provider_event_id: 'evt_2' }),
  },
  {
    invariant: 'I19',
    name: "an operation on another hotel's payment",
    tamper: change(OPERATIONS, { payment_id: uuidOf(5) }, { merchant_id: B }),
  },
  {
    invariant: 'I19',
    name: "a provider event about another hotel's payment",
    tamper: change(EVENTS, { provider_event_id: 'evt_2' }, { payment_id: uuidOf(101) }),
  },
  {
    invariant: 'I19',
    name: "credentials of another hotel's account",
    tamper: change(VERSIONS, { provider_account_id: ACCOUNTS[B] }, { merchant_id: A }),
  },
  {
    invariant: 'I19',
    name: "a simulated effect on another hotel's account",
    tamper: change(SIMULATOR, { kind: 'refund' }, { account_id: ACCOUNTS[A] }),
  },
  {
    invariant: 'I20',
    name: 'a credential version that merchant does not have',
    tamper: change(OPERATIONS, CHARGE, { provider_account_version: 7 }),
  },
  {
    invariant: 'I20',
    name: 'a vault account that merchant does not have',
    tamper: change(OPERATIONS, CHARGE, { vault_account_id: uuidOf(0xdead) }),
  },
  {
    invariant: 'I20',
    name: 'a reply to an operation that transaction does not have',
    tamper: change(REPLIES, { status_code: 201 }, { operation_id: uuidOf(0xdead) }),
  },
  {
    invariant: 'I20',
    name: 'a hotel that merchant does not know',
    tamper: drop('dump/merchant/merchants.jsonl', { merchant_id: B }),
  },
  {
    invariant: 'I21',
    name: 'a secret that was moved to another field',
    tamper: (run) => {
      const sealed = sealedOf(run);
      [sealed['secret_key'], sealed['webhook_secret']] = [sealed['webhook_secret'], sealed['secret_key']];
    },
  },
  {
    invariant: 'I21',
    name: 'a secret that was moved to another version',
    tamper: change(VERSIONS, { provider_account_id: ACCOUNTS[A] }, { version: 2 }),
  },
  {
    invariant: 'I21',
    name: 'one altered bit of a secret',
    tamper: (run) => {
      const sealed = sealedOf(run);
      const [format, nonce, text = '', tag] = String(sealed['secret_key']).split('.');
      const bytes = Buffer.from(text, 'base64url');
      bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
      sealed['secret_key'] = [format, nonce, bytes.toString('base64url'), tag].join('.');
    },
  },
  {
    invariant: 'I21',
    name: "another hotel's data key",
    tamper: (run) => {
      const [one, other] = [A, B].map((merchant_id) => find(run, DATA_KEYS, { merchant_id }));
      if (one === undefined || other === undefined) throw new Error('there are two data keys');
      [one['wrapped'], other['wrapped']] = [other['wrapped'], one['wrapped']];
    },
  },
  {
    invariant: 'I21',
    name: 'a secret under a destroyed key',
    tamper: change(DATA_KEYS, { merchant_id: A }, { wrapped: null, destroyed_at: at(0) }),
  },
  {
    invariant: 'I21',
    name: 'a destroyed version that is still sealed',
    tamper: change(VERSIONS, { provider_account_id: ACCOUNTS[A] }, { state: 'destroyed' }),
  },
  {
    invariant: 'I21',
    name: 'a key that was used too often',
    tamper: change(DATA_KEYS, { merchant_id: A }, { uses: 2 ** 31 }),
  },
  {
    invariant: 'I23',
    name: 'a replay with other bytes',
    tamper: change(CLIENT, { type: 'ok', replayed: true }, { bytes: sha256('other') }),
  },
  {
    invariant: 'I23',
    name: 'a stored reply with other bytes',
    tamper: change(REPLIES, { status_code: 402 }, { body: '\\x7b7d' }),
  },
  {
    invariant: 'I23',
    name: 'a stored reply to another request',
    tamper: change(REPLIES, { status_code: 402 }, { fingerprint: `\\x${sha256('other')}` }),
  },
  {
    invariant: 'I23',
    name: 'a reply of success to a decline',
    tamper: change(REPLIES, { status_code: 402 }, { status_code: 201 }),
  },
  {
    invariant: 'I23',
    name: 'one key that answered two requests',
    tamper: (run) => {
      const { id } = find(run, CLIENT, { type: 'ok', replayed: true });
      find(run, CLIENT, { type: 'invoke', id })['fingerprint'] = sha256('another request');
    },
  },
  {
    invariant: 'I23',
    name: 'two answers that say they are the first',
    tamper: change(CLIENT, { type: 'ok', replayed: true }, { replayed: false }),
  },
  {
    invariant: 'I26',
    name: 'a hold that was ended before its deadline',
    tamper: (run) => {
      drop(STRIPE, { effect: 'authorization.released', idempotency_key: null })(run);
      const details = lines(run, STEPS).find(
        ({ details: told }) => told !== null && typeof told === 'object' && 'reason' in told,
      );
      if (details === undefined) throw new Error('there is a lapsed hold');
      details['at'] = new Date(QUIET_AT - 180_000).toISOString();
    },
  },
  {
    invariant: 'I26',
    name: 'another deadline than the provider told',
    tamper: change(PAYMENTS, { id: uuidOf(102) }, { hold_expires_at: at(0) }),
  },
  {
    invariant: 'I27',
    name: 'a call more than there were attempts',
    tamper: double(STRIPE, { kind: 'request', path: '/v1/refunds' }),
  },
  {
    invariant: 'I27',
    name: "a call on another hotel's account",
    tamper: change(STRIPE, { kind: 'request', path: '/v1/refunds' }, { account: 'acct_other' }),
  },
  {
    invariant: 'I27',
    name: 'a call too many that was refused at the door',
    tamper: (run) => {
      const call = find(run, STRIPE, { kind: 'request', path: '/v1/refunds' });
      lines(run, STRIPE).push({ ...call, account: null, status: 409 });
    },
  },
  {
    invariant: 'I27',
    name: 'a call without a key',
    tamper: change(STRIPE, { kind: 'request', path: '/v1/refunds' }, { idempotency_key: null }),
  },
  {
    invariant: 'I27',
    name: 'a call under a key of its own for the second try',
    tamper: (run) => {
      const call = find(run, STRIPE, { kind: 'request', path: '/v1/refunds' });
      lines(run, STRIPE).push({ ...call, idempotency_key: `centra-${uuidOf(8)}` });
    },
  },
  {
    invariant: 'I30',
    name: 'memory that does not come back',
    tamper: change('resources.jsonl', { phase: 'rest' }, { rssBytes: 400_000_000 }),
  },
  {
    invariant: 'I30',
    name: 'descriptors that do not come back',
    tamper: change('resources.jsonl', { phase: 'rest' }, { descriptors: 400 }),
  },
  {
    invariant: 'I30',
    name: 'a transaction that was left open',
    tamper: change(
      'dump/transaction/pg_connections.jsonl',
      {},
      { state: 'idle in transaction', transaction_seconds: 90.5 },
    ),
  },
];

function sealedOf(run: SmallRun): Row {
  return inside(find(run, VERSIONS, { provider_account_id: ACCOUNTS[A] }), 'sealed_fields');
}
