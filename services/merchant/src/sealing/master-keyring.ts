import type { KeyObject } from 'node:crypto';
import { associatedData } from '@centra/service-kit/associated-data.ts';

/** Which data key is wrapped: the wrapped form opens for this one only. */
export type WrappedFor = { merchantId: string; version: number };

/** How keys are wrapped from now on: by which master key, and how the text of it begins. */
export type NewestForm = { masterKeyId: string; startsWith: string };

/** The keys that wrap hotels' data keys. They never leave it. */
export type MasterKeyring = {
  /** The key that wraps from now on; older ones only unwrap. */
  readonly activeKeyId: string;
  /** Wraps a data key under the active master key. `unavailable` when that key cannot be reached. */
  wrap(dataKey: KeyObject, owner: WrappedFor): Promise<{ masterKeyId: string; wrapped: string }>;
  /**
   * Unwraps. SealError for an unknown master key, another owner, altered bytes, or a version that may no longer be used;
   * `unavailable` when the master key cannot be reached.
   */
  unwrap(wrapped: string, masterKeyId: string, owner: WrappedFor): Promise<KeyObject>;
  /** Asked anew each time, since the master key may have got another version elsewhere. */
  newest(): Promise<NewestForm>;
  /** Throws while no key can be opened for want of a first log-in. A short outage later on is no reason to be out of service. */
  check(): Promise<void>;
  close(): Promise<void>;
};

/** What a wrapped data key is bound to, whoever wraps it. */
export function dataKeyBinding(owner: WrappedFor, masterKeyId: string): Buffer {
  return associatedData('centra/merchant/data-key/v1', owner.merchantId, String(owner.version), masterKeyId);
}
