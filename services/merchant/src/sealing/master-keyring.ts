import type { KeyObject } from 'node:crypto';

/** Which data key is wrapped: the wrapped form opens for this one only. */
export type WrappedFor = { merchantId: string; version: number };

/** The keys that wrap hotels' data keys. They never leave it. */
export type MasterKeyring = {
  /** The key that wraps from now on; older ones only unwrap. */
  readonly activeKeyId: string;
  /** Wraps a data key under the active master key. */
  wrap(dataKey: KeyObject, owner: WrappedFor): Promise<{ masterKeyId: string; wrapped: string }>;
  /** Unwraps; SealError for an unknown master key, another owner, or altered bytes. */
  unwrap(wrapped: string, masterKeyId: string, owner: WrappedFor): Promise<KeyObject>;
};
