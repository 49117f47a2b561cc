import type { ResourceLine } from '../run-folder.ts';
import { DATABASES } from './books.ts';
import type { Books } from './books.ts';
import { groupBy } from './group.ts';
import type { Found, Invariant } from './judge.ts';

/** What is left in use: I30. */
export const RESOURCES: readonly Invariant[] = [
  {
    number: 'I30',
    rule: 'memory and descriptors return to baseline + 10 % + slack, and no transaction is left open (no streams yet)',
    judge: judgeResources,
  },
];

// What a process keeps for good after its first work, beside the tenth: compiled code, buffers, caches with an end, and the pages
// that V8's heap once grew to and gives back late or never (seen: 138 MiB after 2,700 requests in two minutes). Measured right
// after the start, a baseline knows none of it. A leak of 2 KiB for each of 100,000 requests is more.
const RSS_SLACK_BYTES = 192 * 1024 * 1024;
// Pools open their connections when they are first needed: gRPC channels, database and Redis connections, keep-alive sockets.
const DESCRIPTORS_SLACK = 48;
// Nothing of ours holds a transaction open over a network call; a statement is given up after 10 s.
const TRANSACTION_SECONDS_MAX = 30;

function judgeResources({ resources, catalogue }: Books): Found {
  if (resources === undefined) return { notYet: 'this run took no samples' };
  const byProcess = groupBy(resources, ({ process }) => process);
  const offending = [...byProcess].flatMap(([name, samples]) => wrongProcess(name, samples));
  const connections = DATABASES.flatMap((database) =>
    catalogue[database].connections.map((connection) => ({ database, ...connection })),
  );
  const left = connections.flatMap(({ database, role, state, transaction_seconds: seconds }) =>
    state !== 'idle' && seconds > TRANSACTION_SECONDS_MAX
      ? [`a connection of ${role} to ${database} is ${state} for ${Math.round(seconds)} s`]
      : [],
  );
  return { checked: resources.length + connections.length, offending: [...offending, ...left] };
}

function wrongProcess(name: string, samples: readonly ResourceLine[]): string[] {
  const of = (phase: ResourceLine['phase']): ResourceLine[] => samples.filter((line) => line.phase === phase);
  const [baseline, rest] = [of('baseline'), of('rest')];
  if (baseline.length === 0 || rest.length === 0)
    return [`${name} was sampled ${baseline.length} times before and ${rest.length} times after`];
  const grown = (what: 'rssBytes' | 'descriptors', slack: number, unit: string): string[] => {
    const [before, after] = [median(baseline, what), median(rest, what)];
    return after <= before * 1.1 + slack ? [] : [`${name} went from ${before} to ${after} ${unit}`];
  };
  return [
    ...grown('rssBytes', RSS_SLACK_BYTES, 'bytes of memory'),
    ...grown('descriptors', DESCRIPTORS_SLACK, 'descriptors'),
  ];
}

function median(samples: readonly ResourceLine[], what: 'rssBytes' | 'descriptors'): number {
  const sorted = samples.map((line) => line[what]).toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
