import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';

/** Longest wait of a fault, in milliseconds: past any caller's patience. */
const DELAY_MAX_MS = 120_000;

export const faultSchema = z.discriminatedUnion('fault', [
  /** Answers as usual, late. */
  z.strictObject({ ...scope(), fault: z.literal('slow'), delay_ms: z.int().min(1).max(DELAY_MAX_MS) }),
  z.strictObject({ ...scope(), fault: z.literal('error'), status: z.int().min(500).max(599).default(500) }),
  /** Cuts the connection without an answer. */
  z.strictObject({ ...scope(), fault: z.literal('drop') }),
  z.strictObject({
    ...scope(),
    fault: z.literal('rate_limit'),
    retry_after_seconds: z.int().min(1).max(3_600).default(1),
  }),
  /** A page in the way: 200 with HTML. */
  z.strictObject({ ...scope(), fault: z.literal('html') }),
  z.strictObject({ ...scope(), fault: z.literal('redirect'), location: z.url() }),
]);
type Fault = z.infer<typeof faultSchema>;

function scope() {
  return {
    /** A prefix of the request's path; any when absent. */
    path: z.string().max(200).optional(),
    /** How many requests meet it; 0: all until cleared. */
    times: z.int().min(0).max(1_000_000).default(1),
  };
}

export type ArmedFault = Fault & { id: number; met: number };

/** Faults in memory: a restarted simulator behaves. */
export class FaultBook {
  #armed: ArmedFault[] = [];
  #next = 1;

  arm(fault: Fault): number {
    const id = this.#next;
    this.#next += 1;
    this.#armed.push({ ...fault, id, met: 0 });
    return id;
  }

  list(): readonly ArmedFault[] {
    return this.#armed;
  }

  clear(): void {
    this.#armed = [];
  }

  /** The earliest armed fault that fits, counted as met. */
  claim(path: string): ArmedFault | undefined {
    const found = this.#armed.find(
      (fault) =>
        (fault.times === 0 || fault.met < fault.times) &&
        (fault.path === undefined || path.startsWith(fault.path)),
    );
    if (found !== undefined) found.met += 1;
    return found;
  }
}

/** Lets a request meet an armed fault before its route sees it. */
export function meetFaults(
  book: FaultBook,
  note: (request: Request, fault: ArmedFault) => void,
): RequestHandler {
  return (request, response, next) => {
    const fault = book.claim(request.path);
    if (fault === undefined) return next();
    note(request, fault);
    if (fault.fault === 'slow') return void setTimeout(next, fault.delay_ms);
    return misbehave(fault, response);
  };
}

function misbehave(fault: Exclude<ArmedFault, { fault: 'slow' }>, response: Response): void {
  switch (fault.fault) {
    case 'error':
      return void response.status(fault.status).type('text/plain').send('Internal Server Error');
    case 'drop':
      return void response.socket?.destroy();
    case 'rate_limit':
      return void response
        .status(429)
        .set('retry-after', String(fault.retry_after_seconds))
        .json({ error: { code: 'rate_limit_exceeded' } });
    case 'html':
      return void response.type('text/html').send('<!doctype html><title>Maintenance</title>');
    case 'redirect':
      return void response.status(307).set('location', fault.location).end();
    default:
      throw new Error(`no such fault: ${String(fault satisfies never)}`);
  }
}
