import { createHash } from 'node:crypto';
import { fromPublicId } from '@centra/service-kit/ids.ts';

/**
 * What happened in a run, step by step. Ids differ from run to run, so each gets a name when it first turns up: two runs of
 * a seed tell the same story, word for word.
 */
export type Story = {
  /** Adds a line; every id in it is told by its name. */
  tell(atMs: number, line: string): void;
  /** Names an id. The first name stays. */
  name(id: string, name: string): void;
  /** Names a payment `pay#1`, `pay#2` … in the order they turn up. */
  namePayment(id: string): void;
  /** The text with names in place of ids; an id without a name is `?`. Names nothing. */
  peek(text: string): string;
  lines(): readonly string[];
  digest(): string;
};

const ID =
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b(?:pay|op|pa|pev|re)_[0-9a-hjkmnp-tv-z]{26}\b/g;
const PREFIXES = ['pay', 'op', 'pa', 'pev', 're'] as const;

export function createStory(startMs: number): Story {
  const names = new Map<string, string>();
  const lines: string[] = [];
  let payments = 0;
  let others = 0;
  const replace = (text: string, unnamed: (uuid: string) => string): string =>
    text.replaceAll(ID, (id) => {
      const uuid = uuidOf(id);
      return names.get(uuid) ?? unnamed(uuid);
    });
  const name = (id: string, given: string): void => {
    const uuid = uuidOf(id);
    if (!names.has(uuid)) names.set(uuid, given);
  };
  return {
    name,
    namePayment(id) {
      if (names.has(uuidOf(id))) return;
      payments += 1;
      name(id, `pay#${payments}`);
    },
    tell(atMs, line) {
      const told = replace(line, (uuid) => {
        others += 1;
        names.set(uuid, `id#${others}`);
        return `id#${others}`;
      });
      lines.push(`${sinceStart(atMs - startMs).padStart(14)}  ${told}`);
    },
    peek: (text) => replace(text, () => '?'),
    lines: () => lines,
    digest: () => createHash('sha256').update(lines.join('\n')).digest('hex'),
  };
}

function uuidOf(id: string): string {
  const prefix = PREFIXES.find((candidate) => id.startsWith(`${candidate}_`));
  return prefix === undefined ? id : (fromPublicId(prefix, id) ?? id);
}

/** `1d 02:03:04.567`, days only when there are some. */
function sinceStart(ms: number): string {
  const days = Math.floor(ms / 86_400_000);
  const time = new Date(ms % 86_400_000).toISOString().slice(11, 23);
  return days === 0 ? time : `${days}d ${time}`;
}
