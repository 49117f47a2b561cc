import { z } from 'zod';

const milliseconds = z.int().min(0).max(3_600_000);
const probability = z.number().min(0).max(1);

/** What every fault understands; `times: 0` keeps it armed until cleared. */
const everyFault = {
  method: z.enum(['GET', 'POST', 'DELETE']).optional(),
  path: z.string().min(1).max(500).optional(),
  times: z.int().min(0).max(1_000_000).default(1),
  probability: probability.default(1),
  seed: z.int().default(1),
};
const webhook = { ...everyFault, event_type: z.string().max(100).optional() };
const serverError = { status: z.int().min(500).max(599).default(500), stored: z.boolean().optional() };

/** Every switch, by name, with its own parameters. */
export const faultSchema = z.discriminatedUnion('fault', [
  z.strictObject({ fault: z.literal('act_then_drop'), ...everyFault }),
  z.strictObject({ fault: z.literal('drop_before_act'), ...everyFault }),
  z.strictObject({ fault: z.literal('answer_late'), ...everyFault, delay_ms: milliseconds }),
  z.strictObject({ fault: z.literal('error_before'), ...everyFault, ...serverError }),
  z.strictObject({ fault: z.literal('error_after'), ...everyFault, ...serverError }),
  z.strictObject({ fault: z.literal('rate_limit'), ...everyFault }),
  z.strictObject({
    fault: z.literal('slow_drip'),
    ...everyFault,
    bytes_per_second: z.int().min(1).max(1_000_000),
  }),
  z.strictObject({ fault: z.literal('truncated_body'), ...everyFault }),
  z.strictObject({ fault: z.literal('revoked_credential'), ...everyFault }),
  z.strictObject({ fault: z.literal('idempotency_in_use'), ...everyFault }),
  z.strictObject({ fault: z.literal('lock_timeout'), ...everyFault }),
  z.strictObject({ fault: z.literal('stale_get'), ...everyFault, for_ms: milliseconds }),
  z.strictObject({ fault: z.literal('not_found_after_create'), ...everyFault, for_ms: milliseconds }),
  z.strictObject({ fault: z.literal('forget_keys'), ...everyFault, after_ms: milliseconds }),
  z.strictObject({
    fault: z.literal('increment_declined'),
    ...everyFault,
    decline_code: z
      .string()
      .regex(/^[a-z_]{1,60}$/)
      .default('insufficient_funds'),
  }),
  z.strictObject({ fault: z.literal('settle_late'), ...everyFault, for_ms: milliseconds }),
  z.strictObject({ fault: z.literal('webhook_before_reply'), ...everyFault }),
  z.strictObject({
    fault: z.literal('webhook_duplicate'),
    ...webhook,
    copies: z.int().min(2).max(20).default(2),
    new_id: z.boolean().default(false),
  }),
  z.strictObject({ fault: z.literal('webhook_reorder'), ...webhook, hold_ms: milliseconds.default(5_000) }),
  z.strictObject({ fault: z.literal('webhook_delay'), ...webhook, delay_ms: milliseconds }),
  z.strictObject({ fault: z.literal('webhook_lose'), ...webhook }),
  z.strictObject({ fault: z.literal('webhook_bad_signature'), ...webhook }),
  z.strictObject({
    fault: z.literal('webhook_other_account'),
    ...webhook,
    account: z.string().max(100).optional(),
  }),
]);

export type Fault = z.infer<typeof faultSchema>;
export type FaultName = Fault['fault'];
export type FaultOf<N extends FaultName> = Extract<Fault, { fault: N }>;

/** What a fault is matched against: a request to us, or for webhook faults the delivery to an endpoint. */
export type FaultTarget = { method: string; path: string; eventType?: string };

type Armed = { id: string; fault: Fault; fired: number; pattern: RegExp | null; random: () => number };

export class Faults {
  #armed: Armed[] = [];
  #nextId = 1;

  /** Throws SyntaxError when `path` is neither a path prefix nor a regular expression. */
  arm(fault: Fault): string {
    const id = `fault_${this.#nextId}`;
    const pattern = fault.path === undefined || fault.path.startsWith('/') ? null : new RegExp(fault.path);
    this.#armed.push({
      id,
      fault,
      fired: 0,
      pattern: pattern ?? asPattern(fault.path),
      random: seededRandom(fault.seed),
    });
    this.#nextId += 1;
    return id;
  }

  list(): { id: string; fired: number; exhausted: boolean; fault: Fault }[] {
    return this.#armed.map((armed) => ({
      id: armed.id,
      fired: armed.fired,
      exhausted: isExhausted(armed),
      fault: armed.fault,
    }));
  }

  clear(): void {
    this.#armed = [];
  }

  /**
   * The first armed fault of these names that matches, counted as fired; undefined most of the time.
   * `applies` is asked before the count, so that a fault without an effect keeps its shot.
   */
  fire<N extends FaultName>(
    names: readonly N[],
    target: FaultTarget,
    applies?: (fault: FaultOf<N>) => boolean,
  ): FaultOf<N> | undefined {
    if (this.#armed.length === 0) return undefined;
    for (const armed of this.#armed) {
      const { fault } = armed;
      if (!isOneOf(fault, names) || isExhausted(armed) || !matches(armed, target)) continue;
      if (applies && !applies(fault)) continue;
      if (fault.probability < 1 && armed.random() >= fault.probability) continue;
      armed.fired += 1;
      return fault;
    }
    return undefined;
  }
}

function isOneOf<N extends FaultName>(fault: Fault, names: readonly N[]): fault is FaultOf<N> {
  return names.some((name) => name === fault.fault);
}

function isExhausted({ fault, fired }: Armed): boolean {
  return fault.times > 0 && fired >= fault.times;
}

function matches({ fault, pattern }: Armed, target: FaultTarget): boolean {
  if (fault.method && fault.method !== target.method) return false;
  if ('event_type' in fault && fault.event_type && !target.eventType?.startsWith(fault.event_type))
    return false;
  if (fault.path === undefined) return true;
  return target.path.startsWith(fault.path) || (pattern?.test(target.path) ?? false);
}

/** A path like "/v1/payment_intents/[^/]+/confirm" is both; one that is no expression is still a prefix. */
function asPattern(path: string | undefined): RegExp | null {
  if (path === undefined) return null;
  try {
    return new RegExp(path);
  } catch {
    return null;
  }
}

/** mulberry32: the same seed gives the same run of faults. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
