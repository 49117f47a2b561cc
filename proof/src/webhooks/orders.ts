import type { Seeded } from '@centra/testkit/seeded.ts';

/** Every order of so many things. */
export function permutationsOf<T>(things: readonly T[]): T[][] {
  if (things.length <= 1) return [[...things]];
  return things.flatMap((thing, index) =>
    permutationsOf(things.toSpliced(index, 1)).map((rest) => [thing, ...rest]),
  );
}

/** So many of them, each at most once, as the seed has it; all when there are no more. */
export function sampleOf<T>(things: readonly T[], count: number, random: Seeded): T[] {
  const left = [...things];
  const taken: T[] = [];
  while (taken.length < count && left.length > 0) {
    const [thing] = left.splice(random.between(0, left.length - 1), 1);
    if (thing !== undefined) taken.push(thing);
  }
  return taken;
}

/** The value that so large a share of them does not exceed; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
