import { Router, json } from 'express';
import type { ErrorRequestHandler } from 'express';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { faultSchema } from '../faults/fault-book.ts';
import { rotateKey } from '../transit/transit-key.ts';

/** The clock only goes forward, and no test needs more than ten years at once. */
const ADVANCE_MAX_MS = 10 * 366 * 86_400_000;

class ControlError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The developer's side door, `/_control`: seal, clock, tokens, secret ids, keys, faults, journal. Not part of Vault's API. */
export function controlRouter(ctx: Context): Router {
  const router = Router();
  router.use(json({ limit: '64kb' }));
  router.get('/health', (_req, res) => void res.json({ status: 'ok' }));
  router.post('/seal', (req, res) => {
    ctx.state.sealed = parse(z.strictObject({ sealed: z.boolean() }), req.body).sealed;
    ctx.save();
    res.json({ sealed: ctx.state.sealed });
  });
  router.post('/clock', (req, res) => {
    const { advance_ms: ms } = parse(
      z.strictObject({ advance_ms: z.int().min(0).max(ADVANCE_MAX_MS) }),
      req.body,
    );
    ctx.state.clock_offset_ms += ms;
    ctx.clock.setOffset(ctx.state.clock_offset_ms);
    ctx.save();
    res.json({ now: ctx.clock.iso() });
  });
  router.post('/tokens/revoke', (_req, res) => {
    const revoked = Object.keys(ctx.state.tokens).length;
    ctx.state.tokens = {};
    ctx.save();
    res.json({ revoked });
  });
  router.post('/secret-ids/exhaust', (_req, res) => {
    const exhausted = Object.keys(ctx.state.secret_ids).length;
    ctx.state.secret_ids = {};
    ctx.save();
    res.json({ exhausted });
  });
  router.post('/keys/:mount/:name/rotate', (req, res) => {
    const key = ctx.state.keys[`${req.params.mount}/${req.params.name}`];
    if (key === undefined) throw new ControlError(404, 'no such key');
    rotateKey(ctx, key);
    ctx.save();
    res.json({ latest_version: key.latest });
  });
  router.post('/faults', (req, res) => {
    res.status(201).json({ id: ctx.faults.arm(parse(faultSchema, req.body)).id });
  });
  router.get('/faults', (_req, res) => void res.json({ faults: ctx.faults.list() }));
  router.delete('/faults', (_req, res) => {
    ctx.faults.clear();
    res.status(204).end();
  });
  router.get('/journal', (req, res) => {
    const { after } = parse(z.strictObject({ after: z.coerce.number().int().min(0).default(0) }), req.query);
    res.json({ entries: ctx.journal.after(after) });
  });
  router.use((_req, _res) => {
    throw new ControlError(404, 'no such control');
  });
  router.use(controlError);
  return router;
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new ControlError(400, z.prettifyError(parsed.error));
  return parsed.data;
}

const controlError: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (res.headersSent) {
    next(error);
    return;
  }
  const status =
    error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : 500;
  res
    .status(status)
    .json({ error: error instanceof Error && status < 500 ? error.message : 'internal error' });
};
