/** Numbers that a seed decides, so that a run can be had again: the same seed gives the same numbers in the same order. */
export type Seeded = {
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
};

/** Mulberry32 (public domain, by Tommy Ettinger): 32 bits of state are plenty to choose amounts by. */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { between: (min, max) => min + Math.floor(next() * (max - min + 1)) };
}
