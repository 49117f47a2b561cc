import { createCipheriv, randomBytes } from 'node:crypto';
import { DAY_MS, at, lines } from './small-run-file.ts';
import type { SmallRun } from './small-run-file.ts';

export const VERSIONS = 'dump/merchant/provider_account_versions.jsonl';
export const DATA_KEYS = 'dump/merchant/data_keys.jsonl';
export const WEBHOOK_SECRETS = 'dump/merchant/webhook_endpoint_secrets.jsonl';

/** Accounts with sealed credentials of one hotel, one without of another, and keys that were made for this run alone. */
export function sealedRows(
  run: SmallRun,
  {
    hotel,
    accounts,
    other,
  }: { hotel: string; accounts: readonly string[]; other: { hotel: string; account: string } },
): void {
  const master = randomBytes(32);
  lines(run, 'keyring.json').push({ active: 'k1', keys: { k1: master.toString('base64') } });
  const keys = new Map([hotel, other.hotel].map((owner) => [owner, randomBytes(32)]));
  for (const [merchant_id, key] of keys)
    lines(run, DATA_KEYS).push({
      merchant_id,
      version: 1,
      master_key_id: 'k1',
      wrapped: seal(master, key, ['centra/merchant/data-key/v1', merchant_id, '1', 'k1']),
      uses: 10,
      destroyed_at: null,
    });
  const key = keys.get(hotel) ?? randomBytes(32);
  for (const account of accounts) {
    addAccount(run, hotel, account, account === accounts[0] ? 'stripe' : 'vaultera');
    const fields = account === accounts[0] ? ['secret_key', 'webhook_secret'] : ['api_key'];
    const sealed = fields.map((field) => [
      field,
      seal(key, randomBytes(16), ['centra/merchant/provider-account/v1', hotel, account, field, '1']),
    ]);
    addVersion(run, hotel, account, Object.fromEntries(sealed));
  }
  addAccount(run, other.hotel, other.account, 'simulator');
  addVersion(run, other.hotel, other.account, {});
  for (const [merchant_id, hotelKey] of keys) addEndpoint(run, merchant_id, hotelKey);
}

/** Its webhook endpoint has that id. */
export function endpointOf(hotel: string): string {
  return `${hotel.slice(0, -4)}e001`;
}

/** One secret that is gone, one that still signs for a while, and the current one. */
function addEndpoint(run: SmallRun, merchant_id: string, key: Buffer): void {
  const endpoint_id = endpointOf(merchant_id);
  lines(run, 'dump/merchant/webhook_endpoints.jsonl').push({ merchant_id, id: endpoint_id });
  const secret = (version: number): string =>
    seal(key, randomBytes(24), [
      'centra/merchant/webhook-secret/v1',
      merchant_id,
      endpoint_id,
      String(version),
    ]);
  const row = { merchant_id, endpoint_id, destroyed_at: null, data_key_version: 1 };
  lines(run, WEBHOOK_SECRETS).push(
    { ...row, version: 1, sealed: null, data_key_version: null, expires_at: at(2), destroyed_at: at(1) },
    { ...row, version: 2, sealed: secret(2), expires_at: at(-DAY_MS) },
    { ...row, version: 3, sealed: secret(3), expires_at: null },
  );
}

function addAccount(run: SmallRun, merchant_id: string, id: string, provider: string): void {
  lines(run, 'dump/merchant/provider_accounts.jsonl').push({
    merchant_id,
    id,
    provider,
    status: 'active',
    current_version: 1,
  });
}

function addVersion(
  run: SmallRun,
  merchant_id: string,
  account: string,
  sealed: Record<string, string>,
): void {
  lines(run, VERSIONS).push({
    merchant_id,
    provider_account_id: account,
    version: 1,
    state: 'active',
    sealed_fields: sealed,
    secret_marks: {},
    data_key_version: Object.keys(sealed).length === 0 ? null : 1,
  });
}

/** As services/merchant/src/sealing does it. */
export function seal(key: Buffer, clear: Buffer, bound: readonly string[]): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  const parts = bound.flatMap((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(part));
    return [length, Buffer.from(part)];
  });
  cipher.setAAD(Buffer.concat(parts));
  const text = Buffer.concat([cipher.update(clear), cipher.final()]);
  return ['v1', ...[nonce, text, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.');
}
