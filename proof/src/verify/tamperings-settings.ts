import { A, ACCOUNTS, B, at, find, uuidOf } from './small-run-file.ts';
import type { Row, SmallRun } from './small-run-file.ts';
import { DATA_KEYS, WEBHOOK_SECRETS, endpointOf } from './small-run-sealing.ts';
import { CONNECTION_TESTS, INVITATIONS, MERCHANTS, RULES } from './small-run-settings.ts';
import { change } from './tamper.ts';
import type { Tampering } from './tamper.ts';

const CURRENT = { merchant_id: A, version: 3 };

/** Of rules, endpoints, invitations and organisations. */
export const SETTINGS_TAMPERINGS: readonly Tampering[] = [
  {
    invariant: 'I11',
    name: "an organisation's history that nothing guards",
    tamper: change(
      'dump/merchant/pg_triggers.jsonl',
      { table_name: 'organisation_events' },
      { enabled: 'D' },
    ),
  },
  {
    invariant: 'I19',
    name: "a routing rule that sends a hotel's money to another hotel's account",
    tamper: change(RULES, { merchant_id: A }, { provider_account_ids: [ACCOUNTS[A], ACCOUNTS[B]] }),
  },
  {
    invariant: 'I19',
    name: 'a routing rule to an account that is nowhere',
    tamper: change(RULES, { merchant_id: A }, { provider_account_ids: [uuidOf(0xdead)] }),
  },
  {
    invariant: 'I19',
    name: "a test of another hotel's account",
    tamper: change(CONNECTION_TESTS, { merchant_id: A }, { provider_account_id: ACCOUNTS[B] }),
  },
  {
    invariant: 'I19',
    name: "a secret of another hotel's webhook endpoint",
    tamper: change(WEBHOOK_SECRETS, CURRENT, { endpoint_id: endpointOf(B) }),
  },
  {
    invariant: 'I20',
    name: 'a hotel of an organisation that is nowhere',
    tamper: change(MERCHANTS, { merchant_id: A }, { organisation_id: uuidOf(0xdead) }),
  },
  {
    invariant: 'I20',
    name: 'an invitation to a hotel that merchant does not know',
    tamper: change(INVITATIONS, { merchant_id: A }, { merchant_id: uuidOf(0xdead) }),
  },
  {
    invariant: 'I21',
    name: 'webhook secrets of two hotels that were exchanged',
    tamper: (run) => exchange(run, CURRENT, { merchant_id: B, version: 3 }),
  },
  {
    invariant: 'I21',
    name: 'webhook secrets of two versions that were exchanged',
    tamper: (run) => exchange(run, CURRENT, { merchant_id: A, version: 2 }),
  },
  {
    invariant: 'I21',
    name: 'one altered bit of a webhook secret',
    tamper: (run) => {
      const row = find(run, WEBHOOK_SECRETS, CURRENT);
      const [format, nonce, text = '', tag] = String(row['sealed']).split('.');
      const bytes = Buffer.from(text, 'base64url');
      bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
      row['sealed'] = [format, nonce, bytes.toString('base64url'), tag].join('.');
    },
  },
  {
    invariant: 'I21',
    name: 'a destroyed webhook secret that is still sealed',
    tamper: change(WEBHOOK_SECRETS, CURRENT, { destroyed_at: at(0), expires_at: at(1) }),
  },
  {
    invariant: 'I21',
    name: 'a webhook secret that is gone while it signs',
    tamper: change(WEBHOOK_SECRETS, CURRENT, { sealed: null }),
  },
  {
    invariant: 'I21',
    name: 'a webhook secret that was destroyed before it ran out',
    tamper: change(WEBHOOK_SECRETS, CURRENT, { sealed: null, data_key_version: null, destroyed_at: at(0) }),
  },
  {
    invariant: 'I21',
    name: 'a webhook secret under a key that is not there',
    tamper: change(WEBHOOK_SECRETS, CURRENT, { data_key_version: 9 }),
  },
  {
    invariant: 'I21',
    name: "a data key that only claims to be Vault's",
    tamper: change(DATA_KEYS, { merchant_id: A }, { master_key_id: 'vault:transit/centra' }),
  },
];

function exchange(run: SmallRun, one: Row, other: Row): void {
  const [a, b] = [find(run, WEBHOOK_SECRETS, one), find(run, WEBHOOK_SECRETS, other)];
  [a['sealed'], b['sealed']] = [b['sealed'], a['sealed']];
}
