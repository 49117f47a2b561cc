import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { inTransaction } from '@centra/service-kit/database.ts';
import type { Pool, PoolClient } from '@centra/service-kit/database.ts';
import type { Context } from '../context.ts';
import { publicJwkOf, sealPrivateKey, thumbprintOf } from './sealed-private-key.ts';

/** A published key. */
export type SigningKeyRow = {
  kid: string;
  /** JSON Web Key. */
  public_key: JsonWebKey;
  publicKey: KeyObject;
  /** See sealed-private-key.ts. */
  sealed_private_key: string;
  /** Whether it is the one that signs. */
  signs: boolean;
};

/** Published keys as they were read last. */
export type KeyReader = {
  /** Read at most `maxAgeMs` ago. Callers that ask at once share one reading. */
  read(maxAgeMs: number): Promise<readonly SigningKeyRow[]>;
  /** Milliseconds since the last reading began; infinite before the first. */
  ageMs(): number;
};

// The database's clock decides, so that all replicas move to a new key together.
const READ_KEYS = `
select kid, public_key, sealed_private_key,
       kid = (select kid from signing_keys where retired_at is null and signs_from <= clock_timestamp()
              order by signs_from desc, kid limit 1) as signs
from signing_keys where retired_at is null order by signs_from desc, kid`;

export function createKeyReader(pool: Pool): KeyReader {
  let rows: readonly SigningKeyRow[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  const isOlderThan = (time: number): boolean => readAt < time;
  const readNow = async (): Promise<void> => {
    const startedAt = performance.now();
    const answer = await pool.query<Omit<SigningKeyRow, 'publicKey' | 'signs'> & { signs: boolean | null }>({
      name: 'read-signing-keys',
      text: READ_KEYS,
    });
    rows = answer.rows.map((row) => ({ ...row, signs: row.signs === true, publicKey: publicKeyOf(row) }));
    readAt = startedAt;
  };
  return {
    async read(maxAgeMs) {
      const notBefore = performance.now() - maxAgeMs;
      // A reading that began before we asked may have missed what we ask about; then one more follows it.
      while (isOlderThan(notBefore)) {
        reading ??= readNow().finally(() => (reading = undefined));
        await reading;
      }
      return rows;
    },
    ageMs: () => performance.now() - readAt,
  };
}

function publicKeyOf({ kid, public_key }: { kid: string; public_key: JsonWebKey }): KeyObject {
  const key = createPublicKey({ key: public_key, format: 'jwk' });
  if (thumbprintOf(key) !== kid) throw new Error(`the signing key ${kid} is not the one that its id names`);
  return key;
}

type Parts = Pick<Context, 'pool' | 'keyring' | 'log'>;

// Whoever keeps our published set does so for 5 minutes (get-jwks.ts); twice that, and nobody meets an unknown key.
const PUBLISHED_BEFORE_S = 600;
// The clock of whoever checks our tokens may be a minute off, and a replica learns of a new key some seconds late.
const RETIRE_MARGIN_S = 120;
// A challenge, the other thing that these keys sign (access-token.ts).
const CHALLENGE_LIFETIME_S = 300;
// One replica at a time makes and retires keys, also when several start at once. The number is arbitrary but ours.
const MAINTAIN_LOCK = 7_203_202;

type Due = { signing: boolean; newest_is_old: boolean };

/**
 * Makes the very first key, which signs at once; the next one when the newest is old, which is published for ten minutes
 * before it signs; and retires each whose successor has been signing for longer than a token lives. Safe to repeat.
 */
export async function maintainSigningKeys(
  parts: Parts,
  options: { rotationDays: number; accessTtlS: number },
): Promise<void> {
  await whileLocked(parts.pool, async (client) => {
    const { rows } = await client.query<Due>(
      `select coalesce(bool_or(signs_from <= clock_timestamp()), false) as signing,
              coalesce(max(signs_from) <= clock_timestamp() - make_interval(days => $1), false) as newest_is_old
       from signing_keys where retired_at is null`,
      [options.rotationDays],
    );
    if (rows[0]?.signing !== true) await insertKey(client, parts, 0);
    else if (rows[0].newest_is_old) await insertKey(client, parts, PUBLISHED_BEFORE_S);
    const lifetimeS = Math.max(options.accessTtlS, CHALLENGE_LIFETIME_S);
    await client.query(
      `update signing_keys as old set retired_at = clock_timestamp()
       where retired_at is null and exists (
         select from signing_keys as next where next.signs_from > old.signs_from
           and next.signs_from < clock_timestamp() - make_interval(secs => $1))`,
      [lifetimeS + RETIRE_MARGIN_S],
    );
  });
}

/** A key that signs from now on; answers its id. */
export async function addSigningKey(parts: Parts): Promise<string> {
  return await whileLocked(parts.pool, async (client) => await insertKey(client, parts, 0));
}

async function whileLocked<T>(pool: Pool, phase: (client: PoolClient) => Promise<T>): Promise<T> {
  return await inTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [MAINTAIN_LOCK]);
    return await phase(client);
  });
}

async function insertKey(client: PoolClient, parts: Parts, signsInS: number): Promise<string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = thumbprintOf(privateKey);
  await client.query(
    `insert into signing_keys (kid, public_key, sealed_private_key, signs_from)
     values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))`,
    [kid, publicJwkOf(privateKey), sealPrivateKey(parts.keyring, kid, privateKey), signsInS],
  );
  parts.log.info({ kid, signsInS }, 'a signing key was made');
  return kid;
}
