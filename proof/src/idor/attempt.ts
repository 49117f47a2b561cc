import type { World } from './world.ts';

/** What came back, through whichever door. */
export type Seen = {
  /** `404`, or gRPC's `NOT_FOUND`. */
  outcome: string;
  /** Our own code in the refusal, for example `not_found`; empty where there is none. */
  code: string;
  /** Everything that was answered, headers included. */
  text: string;
  /** Everything that was sent: what the asker wrote it may be told again. */
  sent: string;
};

/** One thing tried with a credential that may not reach the owner's objects. */
export type Attempt = {
  name: string;
  /** Throws only where the platform gave no answer at all. */
  ask(world: World): Promise<Seen>;
  /** What is wrong with the answer; undefined when it is right. */
  judge(seen: Seen, world: World): string | undefined;
  /** Asks with the owner's own key of the other mode, whose use is written down in the owner's own rows. */
  asOwner?: true;
  /** The intruder asks for something that it may have: its own account is moved then, never the owner's. */
  acts?: true;
};

/** All that is tried on one route or RPC. */
export type Case = { of: string; attempts: readonly Attempt[] };

/** Exactly these ends, as `404 not_found`. */
export function ends(...allowed: readonly string[]): Attempt['judge'] {
  return ({ outcome, code, text }) =>
    allowed.includes(`${outcome} ${code}`.trim())
      ? undefined
      : `answered ${outcome} ${code} instead of ${allowed.join(' or ')}: ${text.slice(0, 300)}`;
}

/** Both. */
export function both(...judges: readonly Attempt['judge'][]): Attempt['judge'] {
  return (seen, world) => judges.map((judge) => judge(seen, world)).find((wrong) => wrong !== undefined);
}

/** Ids, references, words and secrets of the owner in an answer, that the question itself did not hold. */
export function leaksIn({ text, sent }: Seen, secrets: readonly string[]): string[] {
  return secrets.filter((secret) => text.includes(secret) && !sent.includes(secret));
}
