/** The service's own clock. Money decisions never read it: expiry is decided by database time. */
export type Clock = { now(): Date };

export const systemClock: Clock = { now: () => new Date() };
