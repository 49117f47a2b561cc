/** `short` is part of CI; `long` is what people leave running. */
export type Profile = 'short' | 'long';

export type ScenarioOptions = {
  /** Decides everything that is drawn: what is asked for, what breaks, when. The machine decides the rest. */
  seed: number;
  /** How long the hard part may last; starting, coming to rest and verifying come on top. */
  minutes: number;
  profile: Profile;
  /** A folder of this run's own, open to the database's own user; kept when something failed. */
  folder: string;
  /** A line of progress for whoever watches. */
  say(line: string): void;
};

/** One thing that had to hold. */
export type Check = {
  /** The guarantee, with its number in reliability.md where it has one. */
  name: string;
  /** What was seen instead, with counts and the first offending ids; undefined: it held. */
  failure: string | undefined;
};

export type Outcome = {
  checks: Check[];
  /** What does not apply yet, and why; what this machine could not do. Neither passed nor failed. */
  notes: string[];
  /** What was done, for the report: requests by end, faults by kind, slowest recovery … */
  counts: Readonly<Record<string, number>>;
};

/** One command of `npm run proof`. Throws only when the stage itself could not be set up. */
export type Scenario = {
  name: string;
  /** The promise of reliability.md §2 that it proves, in one line. */
  promise: string;
  /** Its share of the minutes of `all`. */
  weight: number;
  run(options: ScenarioOptions): Promise<Outcome>;
};

export function held(name: string): Check {
  return { name, failure: undefined };
}

export function broken(name: string, failure: string): Check {
  return { name, failure };
}

/** A check of a condition; `failure` says what was seen instead. */
export function check(name: string, isHeld: boolean, failure: string): Check {
  return { name, failure: isHeld ? undefined : failure };
}
