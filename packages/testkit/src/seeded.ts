/** Numbers that look random and are the same for the same seed. */
export type Seeded = {
  /** At least 0, below 1. */
  fraction(): number;
  /** A whole number within [min, max]. */
  between(min: number, max: number): number;
  /** One of the given things. */
  oneOf<T>(things: readonly T[]): T;
  /** Whether something with this probability happens. */
  chance(probability: number): boolean;
  /** A stream of its own that does not move this one, so that parts of a run do not disturb each other. */
  fork(name: string): Seeded;
};

/** mulberry32: 32 bits of state, passes what a schedule of faults needs. Not for secrets. */
export function seeded(seed: number): Seeded {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (min: number, max: number): number => min + Math.floor(fraction() * (max - min + 1));
  return {
    fraction,
    between,
    oneOf(things) {
      const thing = things[between(0, things.length - 1)];
      if (thing === undefined) throw new Error('nothing to choose from');
      return thing;
    },
    chance: (probability) => fraction() < probability,
    fork: (name) => seeded(hash(`${seed}/${name}`)),
  };
}

/** FNV-1a: spreads names over 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}
