import { seeded } from '@centra/testkit/seeded.ts';

/** Every decision of a simulated run: the same seed decides the same, in the same order. */
export type Dice = {
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
  /** Whether something with that probability, 0 to 1, happens. */
  chance(probability: number): boolean;
  oneOf<T>(things: readonly T[]): T;
  /** One of the things, each as likely as its weight says. */
  weighted<T>(things: readonly (readonly [weight: number, thing: T])[]): T;
  /** A random number in the shape of `Math.random`, for code that jitters by itself. */
  fraction(): number;
};

// A probability in steps of a millionth: far finer than any rate in use.
const PARTS = 1_000_000;

export function createDice(seed: number): Dice {
  const { between } = seeded(seed);
  const oneOf = <T>(things: readonly T[]): T => {
    const thing = things[between(0, things.length - 1)];
    if (thing === undefined) throw new Error('nothing to choose from');
    return thing;
  };
  return {
    between,
    oneOf,
    chance: (probability) => between(1, PARTS) <= probability * PARTS,
    fraction: () => between(0, PARTS - 1) / PARTS,
    weighted(things) {
      let left = between(
        1,
        things.reduce((sum, [weight]) => sum + weight, 0),
      );
      for (const [weight, thing] of things) {
        left -= weight;
        if (left <= 0) return thing;
      }
      throw new Error('nothing to choose from');
    },
  };
}
