import { createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AppError } from '@centra/service-kit/errors.ts';
import { pause, startLoop } from '@centra/service-kit/loop.ts';
import type { TokenConfig } from '../config.ts';
import type { Context } from '../context.ts';
import { addSigningKey, createKeyReader, maintainSigningKeys } from './signing-key-rows.ts';
import type { SigningKeyRow } from './signing-key-rows.ts';
import { openPrivateKey } from './sealed-private-key.ts';

export type SigningKeys = {
  /** The one algorithm that tokens are signed and checked with. */
  algorithm: 'ES256' | 'HS256';
  /** The key that signs now. */
  current(): Promise<{ kid: string; key: KeyObject }>;
  /** What checks the tokens of a published id; undefined for every other one. */
  verificationKey(kid: string): Promise<KeyObject | undefined>;
  /** The published set (RFC 7517), public parts only; empty for HS256, whose key is a secret. */
  published(): Promise<{ keys: object[] }>;
  /** Makes a new key that signs from now on; answers its id. */
  rotate(): Promise<string>;
  stop(): Promise<void>;
};

type Parts = Pick<Context, 'pool' | 'keyring' | 'log'>;

/** The keys in the database, read again often, and a loop that replaces the signing one when it is old. */
export function createSigningKeys(parts: Parts, options: TokenConfig): SigningKeys {
  return options.secret === undefined
    ? storedKeys(parts, options)
    : configuredSecret(options.secret.reveal());
}

/** HS256: whoever checks a token could also make one, so the key is given to every replica and to nobody else. */
function configuredSecret(secret: string): SigningKeys {
  const kid = 'configured';
  const key = createSecretKey(Buffer.from(secret));
  return {
    algorithm: 'HS256',
    current: async () => ({ kid, key }),
    verificationKey: async (asked) => (asked === kid ? key : undefined),
    published: async () => ({ keys: [] }),
    async rotate() {
      throw new AppError('state_conflict', { detail: 'Tokens are signed with a secret that is configured.' });
    },
    stop: async () => {},
  };
}

// What an id of ours looks like (RFC 7638): nothing is looked up for another.
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;
// How long the keys are remembered. Each replica reads two or three rows this often, and moves to a new key this late.
const READ_TTL_MS = 5_000;
// An unknown id may be a key made a moment ago elsewhere, so the table is read again: this often at most, whatever is sent.
const UNKNOWN_READ_MS = 250;
// Rotation is a matter of days, but a new key's ten minutes and an old one's last token are matters of minutes.
const MAINTAIN_INTERVAL_MS = 30_000;

function storedKeys(parts: Parts, options: TokenConfig): SigningKeys {
  const stopping = new AbortController();
  const reader = createKeyReader(parts.pool);
  const round = async (): Promise<{ more: boolean }> => {
    await maintainSigningKeys(parts, options);
    return { more: false };
  };
  const loop = startLoop({ name: 'signing-keys', intervalMs: MAINTAIN_INTERVAL_MS, log: parts.log }, round);
  let opened: { kid: string; key: KeyObject } | undefined;

  /** Read a few seconds ago at most. Makes the very first key where there is none. */
  const recentRows = async (): Promise<readonly SigningKeyRow[]> => {
    const rows = await reader.read(READ_TTL_MS);
    if (rows.some(({ signs }) => signs)) return rows;
    await maintainSigningKeys(parts, options);
    return await reader.read(0);
  };
  return {
    algorithm: 'ES256',
    async current() {
      const row = (await recentRows()).find(({ signs }) => signs);
      if (row === undefined) throw new Error('there is no key to sign tokens with');
      if (opened?.kid !== row.kid)
        opened = { kid: row.kid, key: openPrivateKey(parts.keyring, row.kid, row.sealed_private_key) };
      return opened;
    },
    async verificationKey(kid) {
      const keyOf = (rows: readonly SigningKeyRow[]): KeyObject | undefined =>
        rows.find((row) => row.kid === kid)?.publicKey;
      const known = keyOf(await recentRows());
      if (known !== undefined || !THUMBPRINT.test(kid)) return known;
      // All who bring an unknown id wait for one and the same reading: a flood of them costs nobody else their token. It
      // begins after they asked, so that it sees the key of every token that they can have.
      const askedAt = performance.now();
      await pause(Math.max(0, UNKNOWN_READ_MS - reader.ageMs()), stopping.signal);
      return keyOf(await reader.read(performance.now() - askedAt));
    },
    published: async () => ({
      keys: (await recentRows()).map(({ kid, public_key }) => ({
        ...public_key,
        kid,
        use: 'sig',
        alg: 'ES256',
      })),
    }),
    async rotate() {
      const kid = await addSigningKey(parts);
      await reader.read(0);
      parts.log.info({ kid }, 'tokens are signed with a new key');
      return kid;
    },
    async stop() {
      stopping.abort();
      await loop.stop();
    },
  };
}
