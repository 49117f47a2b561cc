/** Remembers which openings of secrets are already in the history. */
export type OpenedSecrets = {
  /** True when this opening must be written down now. */
  isDue(opening: string): boolean;
  /** It is written down. */
  noted(opening: string): void;
};

// One row per reader, version and ten minutes: who reads which secret stays visible, and a busy hotel's charges neither
// fill the history nor wait for each other in it.
const NOTE_EVERY_MS = 10 * 60_000;
// Far more versions than one process serves in ten minutes; past it, more is written down, never less.
const REMEMBERED_MAX = 10_000;

/** A memory of this process only: each replica writes its own rows. */
export function createOpenedSecrets(): OpenedSecrets {
  const notedAt = new Map<string, number>();
  return {
    isDue(opening) {
      const at = notedAt.get(opening);
      return at === undefined || performance.now() - at >= NOTE_EVERY_MS;
    },
    noted(opening) {
      if (notedAt.size >= REMEMBERED_MAX) notedAt.clear();
      notedAt.set(opening, performance.now());
    },
  };
}
