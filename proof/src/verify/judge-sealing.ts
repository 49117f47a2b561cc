import { createDecipheriv } from 'node:crypto';
import type { Books } from './books.ts';
import type { Found, Invariant } from './judge.ts';
import type { DataKeyRow, VersionRow, WebhookSecretRow } from './rows.ts';

/** What is sealed: I21. */
export const SEALING: readonly Invariant[] = [
  {
    number: 'I21',
    rule: 'each ciphertext opens only with its own hotel, account, field and version; destroyed ones are gone; < 2^31 uses a key',
    judge: judgeSealing,
  },
];

const USES_BELOW = 2n ** 31n;

/** Where a sealed value belongs: a field of an account's credentials, or the secret of a webhook endpoint. */
export type Place = {
  kind: 'credential' | 'webhook secret';
  hotel: string;
  /** The account, or the endpoint. */
  owner: string;
  /** Empty for a webhook secret, which is one value. */
  field: string;
  version: number;
};

type Sealed = { place: Place; text: string; dataKeyVersion: number | null };

function judgeSealing(books: Books): Found {
  const keys = openDataKeys(books);
  const all = sealedIn(books);
  const sealed = all.filter(
    ({ place, dataKeyVersion }) => !keys.elsewhere.has(`${place.hotel} ${dataKeyVersion}`),
  );
  const places = sealed.map(({ place }) => place);
  const offending = [
    ...keys.wrong,
    ...books.dataKeys.flatMap(wrongDataKey),
    ...books.versions.flatMap((row) => wrongVersion(row, books.dataKeys)),
    ...books.webhookSecrets.flatMap((row) => wrongWebhookSecret(row, books.dataKeys)),
    ...sealed.flatMap((each) => wrongSealed(each, keys.open, places)),
  ];
  const away = keys.elsewhere.size;
  return {
    checked: sealed.length + books.dataKeys.length,
    offending,
    ...(away === 0
      ? {}
      : {
          note: `${away} data keys are wrapped by Vault: they, and ${all.length - sealed.length} values, were not opened`,
        }),
  };
}

function sealedIn({ versions, webhookSecrets }: Books): Sealed[] {
  const credentials = versions.flatMap((row) =>
    Object.entries(row.sealed_fields ?? {}).map(([field, text]) => ({
      place: placeOf(row, field),
      text,
      dataKeyVersion: row.data_key_version,
    })),
  );
  const secrets = webhookSecrets.flatMap((row) =>
    row.sealed === null
      ? []
      : [{ place: webhookPlaceOf(row), text: row.sealed, dataKeyVersion: row.data_key_version }],
  );
  return [...credentials, ...secrets];
}

/** It opens with its own key at its own place, and nowhere else with any key of the run. */
function wrongSealed(
  { place, text, dataKeyVersion }: Sealed,
  keys: ReadonlyMap<string, Buffer>,
  places: readonly Place[],
): string[] {
  const found: string[] = [];
  const own = keys.get(`${place.hotel} ${dataKeyVersion}`);
  if (own === undefined || open(own, text, boundTo(place)) === undefined)
    found.push(`${nameOf(place)} does not open with its own key and place`);
  if (own !== undefined)
    for (const other of otherPlaces(place, places))
      if (open(own, text, boundTo(other)) !== undefined)
        found.push(`${nameOf(place)} opens as ${nameOf(other)}`);
  for (const [name, key] of keys)
    if (key !== own && open(key, text, boundTo(place)) !== undefined)
      found.push(`${nameOf(place)} opens with data key ${name}`);
  return found;
}

/** Everything that is sealed, in the clear, and every hotel's data key: what must be nowhere else. */
export function openEverything(books: Books): { name: string; clear: Buffer }[] {
  const keys = openDataKeys(books).open;
  const values = sealedIn(books).flatMap(({ place, text, dataKeyVersion }) => {
    const key = keys.get(`${place.hotel} ${dataKeyVersion}`);
    const clear = key === undefined ? undefined : open(key, text, boundTo(place));
    return clear === undefined ? [] : [{ name: nameOf(place), clear }];
  });
  return [...values, ...[...keys].map(([name, clear]) => ({ name: `data key ${name}`, clear }))];
}

function nameOf({ kind, hotel, owner, field, version }: Place): string {
  const what =
    kind === 'credential' ? `${field} (version ${version}) of account` : `secret ${version} of endpoint`;
  return `${what} ${owner} of hotel ${hotel}`;
}

function placeOf(row: VersionRow, field: string): Place {
  const { merchant_id: hotel, provider_account_id: owner, version } = row;
  return { kind: 'credential', hotel, owner, field, version };
}

function webhookPlaceOf({ merchant_id: hotel, endpoint_id: owner, version }: WebhookSecretRow): Place {
  return { kind: 'webhook secret', hotel, owner, field: '', version };
}

/** Every place that differs in one part only, by what really occurs elsewhere and by a neighbour of each version. */
function otherPlaces(place: Place, all: readonly Place[]): Place[] {
  const alike = all.filter(({ kind }) => kind === place.kind);
  const parts = (['hotel', 'owner', 'field'] as const).flatMap((part) =>
    [...new Set(alike.map((other) => other[part]))]
      .filter((value) => value !== place[part])
      .map((value) => ({ ...place, [part]: value })),
  );
  const otherKind = place.kind === 'credential' ? 'webhook secret' : 'credential';
  return [
    ...parts,
    { ...place, version: place.version + 1 },
    { ...place, version: place.version - 1 },
    { ...place, kind: otherKind },
  ];
}

type DataKeys = {
  open: Map<string, Buffer>;
  wrong: string[];
  /** Those whose master key never leaves Vault. */
  elsewhere: Set<string>;
};

function openDataKeys({ dataKeys, keyring }: Books): DataKeys {
  const opened = new Map<string, Buffer>();
  const elsewhere = new Set<string>();
  const wrong: string[] = [];
  for (const row of dataKeys) {
    if (row.wrapped === null) continue;
    const name = `${row.merchant_id} ${row.version}`;
    if (row.master_key_id.startsWith('vault:') && row.wrapped.startsWith('vault:v')) {
      elsewhere.add(name);
      continue;
    }
    const master = Buffer.from(keyring.keys[row.master_key_id] ?? '', 'base64');
    const key = open(master, row.wrapped, boundToHotel(row, row.merchant_id, row.version));
    if (key?.length === 32) opened.set(name, key);
    else wrong.push(`data key ${name} does not open with master key ${row.master_key_id}`);
    const others = dataKeys.filter(
      (other) => other.merchant_id !== row.merchant_id || other.version !== row.version,
    );
    for (const other of others)
      if (open(master, row.wrapped, boundToHotel(row, other.merchant_id, other.version)) !== undefined)
        wrong.push(`data key ${name} opens as that of ${other.merchant_id} ${other.version}`);
  }
  return { open: opened, wrong, elsewhere };
}

function wrongDataKey({ merchant_id, version, uses, wrapped, destroyed_at }: DataKeyRow): string[] {
  const name = `data key ${merchant_id} ${version}`;
  return [
    ...(uses >= 0n && uses < USES_BELOW ? [] : [`${name} was used ${uses} times`]),
    ...((wrapped === null) === (destroyed_at !== null)
      ? []
      : [`${name} is destroyed and still there, or the reverse`]),
  ];
}

/** A destroyed version holds nothing; a sealed one names a key that is not destroyed and was counted as used. */
function wrongVersion(row: VersionRow, dataKeys: readonly DataKeyRow[]): string[] {
  const name = `version ${row.version} of account ${row.provider_account_id}`;
  const count = Object.keys(row.sealed_fields ?? {}).length;
  if (row.state === 'destroyed')
    return row.sealed_fields === null ? [] : [`${name} is destroyed and still sealed`];
  return count === 0 ? [] : wrongKeyOf(name, row, count, dataKeys);
}

/** One that still signs is there; a destroyed one holds nothing, and had run out before. */
function wrongWebhookSecret(row: WebhookSecretRow, dataKeys: readonly DataKeyRow[]): string[] {
  const name = `webhook secret ${row.version} of endpoint ${row.endpoint_id}`;
  if (row.destroyed_at !== null) {
    if (row.sealed !== null) return [`${name} is destroyed and still sealed`];
    return row.expires_at === null ? [`${name} is destroyed and never ran out`] : [];
  }
  return row.sealed === null ? [`${name} is gone and not destroyed`] : wrongKeyOf(name, row, 1, dataKeys);
}

type Keyed = { merchant_id: string; data_key_version: number | null };

function wrongKeyOf(name: string, row: Keyed, count: number, dataKeys: readonly DataKeyRow[]): string[] {
  const key = dataKeys.find(
    ({ merchant_id, version }) => merchant_id === row.merchant_id && version === row.data_key_version,
  );
  if (key === undefined) return [`${name} names data key ${row.data_key_version}, which is not there`];
  if (key.destroyed_at !== null)
    return [`${name} is sealed with data key ${key.version}, which is destroyed`];
  return key.uses >= BigInt(count)
    ? []
    : [`${name} was sealed with data key ${key.version}, which was used ${key.uses} times`];
}

function boundTo({ kind, hotel, owner, field, version }: Place): Buffer {
  return kind === 'credential'
    ? associatedData('centra/merchant/provider-account/v1', hotel, owner, field, String(version))
    : associatedData('centra/merchant/webhook-secret/v1', hotel, owner, String(version));
}

function boundToHotel({ master_key_id }: DataKeyRow, hotel: string, version: number): Buffer {
  return associatedData('centra/merchant/data-key/v1', hotel, String(version), master_key_id);
}

// The format of services/merchant/src/sealing, written a second time on purpose: each part of what a value is bound to comes
// after its length in four bytes, big end first.
function associatedData(...parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** `v1.<nonce>.<ciphertext>.<tag>`, AES-256-GCM with a nonce of 12 and a tag of 16 bytes; undefined when it does not open. */
function open(key: Buffer, sealed: string, bound: Buffer): Buffer | undefined {
  const [format, ...parts] = sealed.split('.');
  const [nonce, text, tag] = parts.map((part) => Buffer.from(part, 'base64url'));
  if (
    format !== 'v1' ||
    nonce?.length !== 12 ||
    text === undefined ||
    tag?.length !== 16 ||
    key.length !== 32
  )
    return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.setAAD(bound);
  decipher.setAuthTag(tag);
  const unchecked = decipher.update(text);
  try {
    return Buffer.concat([unchecked, decipher.final()]);
  } catch {
    return undefined;
  }
}
