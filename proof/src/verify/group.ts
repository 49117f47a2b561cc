/** Things by a key of theirs, in their order. */
export function groupBy<T>(things: readonly T[], keyOf: (thing: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const thing of things) {
    const key = keyOf(thing);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [thing]);
    else group.push(thing);
  }
  return groups;
}

/** The sum of an amount over things. */
export function sumOf<T>(things: readonly T[], amountOf: (thing: T) => bigint): bigint {
  return things.reduce((total, thing) => total + amountOf(thing), 0n);
}
