import { createDecipheriv } from 'node:crypto';
import type { Books } from './books.ts';
import type { Found, Invariant } from './judge.ts';
import type { DataKeyRow, VersionRow } from './rows.ts';

/** What is sealed: I21. */
export const SEALING: readonly Invariant[] = [
  {
    number: 'I21',
    rule: 'each ciphertext opens only with its own hotel, account, field and version; destroyed ones are gone; < 2^31 uses a key',
    judge: judgeSealing,
  },
];

const USES_BELOW = 2n ** 31n;

/** Where a sealed value belongs. */
export type Place = { hotel: string; account: string; field: string; version: number };

function judgeSealing(books: Books): Found {
  const keys = openDataKeys(books);
  const sealed = books.versions.flatMap((row) =>
    Object.entries(row.sealed_fields ?? {}).map(([field, text]) => ({
      row,
      text,
      place: placeOf(row, field),
    })),
  );
  const places = sealed.map(({ place }) => place);
  const offending = [
    ...keys.wrong,
    ...books.dataKeys.flatMap(wrongDataKey),
    ...books.versions.flatMap((row) => wrongVersion(row, books.dataKeys)),
  ];
  for (const { row, text, place } of sealed) {
    const own = keys.open.get(`${row.merchant_id} ${row.data_key_version}`);
    if (own === undefined || open(own, text, boundTo(place)) === undefined)
      offending.push(`${nameOf(place)} does not open with its own key and place`);
    if (own !== undefined)
      for (const other of otherPlaces(place, places))
        if (open(own, text, boundTo(other)) !== undefined)
          offending.push(`${nameOf(place)} opens as ${nameOf(other)}`);
    for (const [name, key] of keys.open)
      if (key !== own && open(key, text, boundTo(place)) !== undefined)
        offending.push(`${nameOf(place)} opens with data key ${name}`);
  }
  return { checked: sealed.length + books.dataKeys.length, offending };
}

/** Everything that is sealed, in the clear, and every hotel's data key: what must be nowhere else. */
export function openEverything(books: Books): { name: string; clear: Buffer }[] {
  const keys = openDataKeys(books).open;
  const values = books.versions.flatMap((row) =>
    Object.entries(row.sealed_fields ?? {}).flatMap(([field, text]) => {
      const key = keys.get(`${row.merchant_id} ${row.data_key_version}`);
      const place = placeOf(row, field);
      const clear = key === undefined ? undefined : open(key, text, boundTo(place));
      return clear === undefined ? [] : [{ name: nameOf(place), clear }];
    }),
  );
  return [...values, ...[...keys].map(([name, clear]) => ({ name: `data key ${name}`, clear }))];
}

function nameOf({ hotel, account, field, version }: Place): string {
  return `${field} (version ${version}) of account ${account} of hotel ${hotel}`;
}

function placeOf(row: VersionRow, field: string): Place {
  return { hotel: row.merchant_id, account: row.provider_account_id, field, version: row.version };
}

/** Every place that differs in one part only, by what really occurs elsewhere and by a neighbour of each version. */
function otherPlaces(place: Place, all: readonly Place[]): Place[] {
  const parts = (['hotel', 'account', 'field'] as const).flatMap((part) =>
    [...new Set(all.map((other) => other[part]))]
      .filter((value) => value !== place[part])
      .map((value) => ({ ...place, [part]: value })),
  );
  return [...parts, { ...place, version: place.version + 1 }, { ...place, version: place.version - 1 }];
}

function openDataKeys({ dataKeys, keyring }: Books): { open: Map<string, Buffer>; wrong: string[] } {
  const opened = new Map<string, Buffer>();
  const wrong: string[] = [];
  for (const row of dataKeys) {
    if (row.wrapped === null) continue;
    const name = `${row.merchant_id} ${row.version}`;
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
  return { open: opened, wrong };
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
  if (count === 0) return [];
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

function boundTo({ hotel, account, field, version }: Place): Buffer {
  return associatedData('centra/merchant/provider-account/v1', hotel, account, field, String(version));
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
