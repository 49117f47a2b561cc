import type { RequestHandler } from 'express';

import type { Context } from '../context.ts';
import { faultSchema } from '../faults/fault.ts';
import { readInput } from './control-input.ts';

/** `POST /_control/faults`. */
export function armFault(context: Context): RequestHandler {
  return (req, res) => {
    const fault = readInput(faultSchema, req.body, res);
    if (!fault) return;
    try {
      res.status(201).json({ id: context.faults.arm(fault) });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      res.status(400).json({ error: `path: ${error.message}` });
    }
  };
}

/** `GET /_control/faults`: what is armed, and how often each fired. */
export function listFaults(context: Context): RequestHandler {
  return (_req, res) => {
    res.json({ faults: context.faults.list() });
  };
}

/** `DELETE /_control/faults`. */
export function clearFaults(context: Context): RequestHandler {
  return (_req, res) => {
    context.faults.clear();
    res.json({ faults: [] });
  };
}
