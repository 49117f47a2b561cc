/** A value as it was from one moment on. Values are never changed in place: a change is a new version. */
type Version<T> = { atMs: number; value: T };

type Entry<T> = { ordinal: number; versions: Version<T>[] };

/** Which way a page runs from its cursor. Newest first is Stripe's order for every list. */
export type Cursor = { after?: string | undefined; before?: string | undefined };

/** Objects of one kind, of one account and mode, in the order of their creation, with their earlier versions. */
export class Collection<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #ids: string[] = [];

  get(id: string): T | undefined {
    return this.#entries.get(id)?.versions.at(-1)?.value;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  put(id: string, value: T, atMs: number): void {
    const entry = this.#entries.get(id);
    if (entry) {
      entry.versions.push({ atMs, value });
      return;
    }
    this.#entries.set(id, { ordinal: this.#ids.length, versions: [{ atMs, value }] });
    this.#ids.push(id);
  }

  /** The value as it stood at `atMs`; the first one when the object is younger. */
  asOf(id: string, atMs: number): T | undefined {
    const versions = this.#entries.get(id)?.versions;
    return (versions?.findLast((version) => version.atMs <= atMs) ?? versions?.[0])?.value;
  }

  /** When the object was made, on the simulator's clock. */
  createdAtMs(id: string): number | undefined {
    return this.#entries.get(id)?.versions[0]?.atMs;
  }

  /** Ids from the cursor on: newest first, or oldest first when paging backwards with `before`. */
  *ids(cursor: Cursor = {}): Generator<string> {
    const step = cursor.before === undefined ? -1 : 1;
    const start = cursor.before ?? cursor.after;
    const from = start === undefined ? this.#ids.length : this.#entries.get(start)?.ordinal;
    if (from === undefined) return;
    for (let at = from + step; ; at += step) {
      const id = this.#ids[at];
      if (id === undefined) return;
      yield id;
    }
  }
}
