import { readFileSync } from 'node:fs';
import { clientLineSchema } from '../run-folder.ts';
import type { ClientLine } from '../run-folder.ts';

/** How much of what a run was to try with its keys it did try. */
export type RepeatedKeys = {
  /** Asked for at least so many times with one body. */
  repeated: number;
  /** Refused because their key was taken for something else. */
  reusesRefused: number;
  /** Done at two hotels, each for itself. */
  shared: number;
};

/** Every line of a `client.jsonl`. */
export function readClientLines(file: string): ClientLine[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => clientLineSchema.parse(JSON.parse(line)));
}

export function repeatedKeysOf(lines: readonly ClientLine[], copies: number): RepeatedKeys {
  const invokes = lines.filter((line) => line.type === 'invoke');
  const wishes = Map.groupBy(invokes, ({ merchantId, key, fingerprint }) =>
    [merchantId, key, fingerprint].join(' '),
  );
  const done = new Set(lines.flatMap(({ type, id }) => (type === 'ok' ? [id] : [])));
  const hotels = Map.groupBy(
    invokes.filter(({ id }) => done.has(id)),
    ({ key }) => key,
  );
  return {
    repeated: [...wishes.values()].filter(({ length }) => length >= copies).length,
    reusesRefused: lines.filter((line) => line.type === 'fail' && line.code === 'idempotency_key_reused')
      .length,
    shared: [...hotels.values()].filter((own) => new Set(own.map(({ merchantId }) => merchantId)).size > 1)
      .length,
  };
}
