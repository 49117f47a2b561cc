import type { RequestHandler } from 'express';
import { z } from 'zod';

import type { Context } from '../context.ts';
import { readInput } from './control-input.ts';

/** A year at a time is more than any window a test needs to cross. */
const ADVANCE_MAX_MS = 366 * 24 * 60 * 60 * 1_000;

/** `POST /_control/clock`: only forwards, as time does. */
export function advanceClock(context: Context): RequestHandler {
  return async (req, res) => {
    const input = readInput(
      z.strictObject({ advance_ms: z.int().min(0).max(ADVANCE_MAX_MS) }),
      req.body,
      res,
    );
    if (!input) return;
    const { clock, journal } = context;
    clock.offsetMs += input.advance_ms;
    await journal.append([{ kind: 'state', type: 'clock', offset_ms: clock.offsetMs }], clock.now());
    // Timers that are due now were armed for 1 ms, so they run before this one: the answer finds what is due done.
    await new Promise((resolve) => setTimeout(resolve, 2));
    res.json({ now: new Date(clock.now()).toISOString(), offset_ms: clock.offsetMs });
  };
}
