import { randomUUID } from 'node:crypto';
import { z } from 'zod';

/** What a route touches. A fault with no `path` meets only requests it has a meaning for. */
export type RouteTrait = 'api_key' | 'session' | 'card' | 'send';

/** Longest wait a fault may cause, so that no forgotten fault holds a connection for ever. */
const DELAY_MAX_MS = 600_000;

/** Spent faults kept for `GET /_control/faults`. */
const SPENT_MAX = 1000;

const delayMs = z.int().min(0).max(DELAY_MAX_MS);
const serverError = z.int().min(500).max(599).default(500);
const scope = {
  method: z
    .string()
    .regex(/^[A-Za-z]{1,10}$/)
    .transform((method) => method.toUpperCase())
    .optional(),
  // Short, because a regular expression from outside may be slow.
  path: z.string().min(1).max(200).optional(),
  /** 0: until cleared. */
  times: z.int().min(0).max(1_000_000).default(1),
  probability: z.number().min(0).max(1).default(1),
  seed: z.int().default(1),
};

export const faultSchema = z.discriminatedUnion('fault', [
  z.strictObject({ fault: z.literal('act_then_drop'), ...scope }),
  z.strictObject({ fault: z.literal('drop_before_act'), ...scope }),
  z.strictObject({ fault: z.literal('answer_late'), delay_ms: delayMs, ...scope }),
  z.strictObject({ fault: z.literal('error_before'), status: serverError, ...scope }),
  z.strictObject({ fault: z.literal('error_after'), status: serverError, ...scope }),
  z.strictObject({
    fault: z.literal('rate_limit'),
    retry_after_seconds: z.int().min(0).max(3600).optional(),
    ...scope,
  }),
  z.strictObject({
    fault: z.literal('slow_drip'),
    bytes_per_second: z.int().min(1).max(10_000_000),
    ...scope,
  }),
  z.strictObject({ fault: z.literal('truncated_body'), ...scope }),
  z.strictObject({ fault: z.literal('revoked_credential'), ...scope }),
  z.strictObject({ fault: z.literal('card_not_found'), ...scope }),
  z.strictObject({ fault: z.literal('target_acts_then_timeout'), delay_ms: delayMs.default(0), ...scope }),
  z.strictObject({ fault: z.literal('target_acts_then_drop'), ...scope }),
  z.strictObject({ fault: z.literal('cvv_wiped'), ...scope }),
  z.strictObject({ fault: z.literal('html_error'), act: z.boolean().default(false), ...scope }),
  z.strictObject({ fault: z.literal('session_rejected'), ...scope }),
]);

export type Fault = z.infer<typeof faultSchema>;
export type FaultName = Fault['fault'];
export type ArmedFault = Fault & { id: string; fired: number };

/** The trait a request must have to meet the fault; the faults not listed can meet any request. */
const NEEDS: Partial<Record<FaultName, RouteTrait>> = {
  revoked_credential: 'api_key',
  card_not_found: 'card',
  session_rejected: 'session',
  target_acts_then_timeout: 'send',
  target_acts_then_drop: 'send',
  cvv_wiped: 'send',
};

type Entry = { armed: ArmedFault; pattern: RegExp | undefined; random: () => number };

/** The faults that are armed, in memory only: a restarted simulator behaves. */
export class FaultBook {
  #entries: Entry[] = [];
  #spent: ArmedFault[] = [];

  /** Throws a SyntaxError when `path` is no regular expression. */
  arm(fault: Fault): ArmedFault {
    const armed = { ...fault, id: randomUUID(), fired: 0 };
    const pattern = fault.path === undefined ? undefined : new RegExp(fault.path);
    this.#entries.push({ armed, pattern, random: seededRandom(fault.seed) });
    return armed;
  }

  list(): (ArmedFault & { armed: boolean })[] {
    return [
      ...this.#spent.map((fault) => ({ ...fault, armed: false })),
      ...this.#entries.map((entry) => ({ ...entry.armed, armed: true })),
    ];
  }

  clear(): void {
    this.#entries = [];
    this.#spent = [];
  }

  /** The fault this request meets, if any: the earliest armed one that fits, counted as fired. */
  claim(method: string, path: string, traits: readonly RouteTrait[]): ArmedFault | undefined {
    if (this.#entries.length === 0) return undefined;
    const entry = this.#entries.find((candidate) => fits(candidate, method, path, traits));
    if (entry === undefined) return undefined;
    entry.armed.fired += 1;
    if (entry.armed.fired === entry.armed.times) {
      this.#entries = this.#entries.filter((other) => other !== entry);
      this.#spent.push(entry.armed);
      if (this.#spent.length > SPENT_MAX) this.#spent.shift();
    }
    return entry.armed;
  }
}

function fits(
  { armed, pattern, random }: Entry,
  method: string,
  path: string,
  traits: readonly RouteTrait[],
): boolean {
  const needed = NEEDS[armed.fault];
  if (needed !== undefined && !traits.includes(needed)) return false;
  if (armed.method !== undefined && armed.method !== method) return false;
  if (armed.path !== undefined && !path.startsWith(armed.path) && !pattern?.test(path)) return false;
  return armed.probability === 1 || random() < armed.probability;
}

/** Mulberry32: the same seed gives the same run of faults. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
