import { randomUUID } from 'node:crypto';
import { z } from 'zod';

/** Longest wait a fault may cause, so that no forgotten fault holds a connection for ever. */
const DELAY_MAX_MS = 600_000;

const scope = {
  /** The path without `/v1/` must begin with this; every path without it. */
  path: z.string().min(1).max(200).optional(),
  /** 0: until cleared. */
  times: z.int().min(0).max(1_000_000).default(1),
};

export const faultSchema = z.discriminatedUnion('fault', [
  /** Acts, and answers late. */
  z.strictObject({ fault: z.literal('latency'), delay_ms: z.int().min(0).max(DELAY_MAX_MS), ...scope }),
  /** Answers so without acting. */
  z.strictObject({
    fault: z.literal('error'),
    status: z.int().min(400).max(599),
    retry_after_seconds: z.int().min(0).max(3600).optional(),
    ...scope,
  }),
  /** Cuts the connection without acting. */
  z.strictObject({ fault: z.literal('drop'), ...scope }),
  /** Acts, and answers 200 with a page in place of JSON, as a proxy in between may. */
  z.strictObject({ fault: z.literal('page'), ...scope }),
  /** Acts, and answers with more bytes than any client should take. */
  z.strictObject({ fault: z.literal('flood'), ...scope }),
]);

export type Fault = z.infer<typeof faultSchema>;
export type ArmedFault = Fault & { id: string; fired: number };

/** The faults that are armed, in memory only: a restarted simulator behaves. */
export class FaultBook {
  #armed: ArmedFault[] = [];

  arm(fault: Fault): ArmedFault {
    const armed = { ...fault, id: randomUUID(), fired: 0 };
    this.#armed.push(armed);
    return armed;
  }

  list(): readonly ArmedFault[] {
    return this.#armed;
  }

  clear(): void {
    this.#armed = [];
  }

  /** The fault this request meets, if any: the earliest armed one that fits, counted as fired. */
  claim(path: string): ArmedFault | undefined {
    const fault = this.#armed.find((armed) => armed.path === undefined || path.startsWith(armed.path));
    if (fault === undefined) return undefined;
    fault.fired += 1;
    if (fault.fired === fault.times) this.#armed = this.#armed.filter((other) => other !== fault);
    return fault;
  }
}
