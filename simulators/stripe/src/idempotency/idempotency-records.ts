/** Stripe keeps a key for at least this long; the simulator for exactly this long. */
export const KEY_WINDOW_MS = 24 * 60 * 60 * 1_000;

/** The first answer a key got, kept byte for byte. */
export type IdempotencyRecord = {
  /** Account and mode: the same key elsewhere is another key. */
  scope: string;
  key: string;
  /** Keyed hash of method, path and parameters. */
  fingerprint: string;
  status: number;
  body: string;
  requestId: string;
  atMs: number;
};

export class IdempotencyRecords {
  /** In order of arrival, so that the oldest is first. */
  readonly #records = new Map<string, IdempotencyRecord>();

  put(record: IdempotencyRecord): void {
    const name = nameOf(record.scope, record.key);
    this.#records.delete(name);
    this.#records.set(name, record);
  }

  /** Undefined once the key is 24 hours old. */
  get(scope: string, key: string, nowMs: number): IdempotencyRecord | undefined {
    this.#dropExpired(nowMs);
    return this.#records.get(nameOf(scope, key));
  }

  #dropExpired(nowMs: number): void {
    for (const [name, record] of this.#records) {
      if (nowMs - record.atMs < KEY_WINDOW_MS) return;
      this.#records.delete(name);
    }
  }
}

export function nameOf(scope: string, key: string): string {
  return `${scope}\0${key}`;
}
