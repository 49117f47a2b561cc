import { randomUUID } from 'node:crypto';
import express, { Router } from 'express';
import type { ErrorRequestHandler, Request } from 'express';
import { z } from 'zod';
import { API_KEY, findByKey, newApiKey, newKeyText } from '../api-keys/api-key.ts';
import { assumptionsSchema } from '../assumptions.ts';
import { maskedCard } from '../cards/card.ts';
import type { Context } from '../context.ts';
import { recordState } from '../context.ts';
import { faultSchema } from '../faults/fault-book.ts';
import { JOURNAL_KINDS, PAGE_MAX } from '../journal.ts';
import type { Account } from '../state.ts';

/** The clock only goes forward, and no test needs more than ten years at once. */
const ADVANCE_MAX_MS = 10 * 366 * 86_400_000;

const accountSchema = z.strictObject({
  name: z.string().min(1).max(100),
  api_key: z.string().regex(API_KEY, 'must be 32 lower-case hexadecimal digits').optional(),
});
const clockSchema = z.strictObject({ advance_ms: z.int().min(0).max(ADVANCE_MAX_MS) });
const journalQuerySchema = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
  kind: z.enum(JOURNAL_KINDS).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_MAX),
});

class ControlError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The developer's side door, `/_control`: accounts, faults, journal, clock, assumptions. Not part of the vendor's API. */
export function controlRouter(ctx: Context): Router {
  const router = Router();
  router.use(express.json({ limit: '64kb' }));
  router.get('/health', (_req, res) => void res.json({ status: 'ok' }));
  router.post('/accounts', async (req, res) => {
    const { created, ...account } = await createAccount(ctx, parse(accountSchema, req.body));
    res.status(created ? 201 : 200).json(account);
  });
  router.get('/cards/:token', (req, res) => void res.json(cardJson(ctx, req)));
  router.post('/faults', (req, res) => void res.status(201).json(armFault(ctx, req)));
  router.get('/faults', (_req, res) => void res.json({ faults: ctx.faults.list() }));
  router.delete('/faults', (_req, res) => {
    ctx.faults.clear();
    res.status(204).end();
  });
  router.get('/journal', async (req, res) => {
    const { after, kind, limit } = parse(journalQuerySchema, req.query);
    res.json(await ctx.journal.read(after, kind, limit));
  });
  router.post('/clock', async (req, res) => void res.json(await advanceClock(ctx, req)));
  router.get('/assumptions', (_req, res) => void res.json(ctx.assumptions));
  router.post('/assumptions', (req, res) => {
    ctx.assumptions = parse(assumptionsSchema, { ...ctx.assumptions, ...req.body });
    res.json(ctx.assumptions);
  });
  router.delete('/assumptions', (_req, res) => {
    ctx.assumptions = assumptionsSchema.parse({});
    res.json(ctx.assumptions);
  });
  router.use((_req, _res) => {
    throw new ControlError(404, 'no such control');
  });
  router.use(controlError);
  return router;
}

/** Making the same account with the same key again gives it back, so that a seed can run at every start. */
async function createAccount(
  ctx: Context,
  { name, api_key = newKeyText() }: z.infer<typeof accountSchema>,
): Promise<{ created: boolean; id: string; name: string; api_key: string; api_key_id: string }> {
  const known = findByKey(ctx, api_key);
  if (known !== undefined) {
    const owner = ctx.state.accounts.get(known.account_id);
    if (owner?.name !== name || known.status !== 'active')
      throw new ControlError(409, 'the API key is taken');
    return { created: false, id: owner.id, name, api_key, api_key_id: known.id };
  }
  const account: Account = { object: 'account', id: randomUUID(), name, created_at: ctx.clock.iso() };
  const key = newApiKey(ctx, account.id, api_key, 'master');
  await recordState(ctx, [account, key]);
  return { created: true, id: account.id, name, api_key, api_key_id: key.id };
}

function cardJson(ctx: Context, req: Request<{ token: string }>): Record<string, unknown> {
  const card = ctx.state.cards.get(req.params.token);
  if (card === undefined) throw new ControlError(404, 'no such card');
  return { ...maskedCard(ctx, card), account: card.account_id, cvv_present: card.cvv_present };
}

function armFault(ctx: Context, req: Request): { id: string } {
  const fault = parse(faultSchema, req.body);
  try {
    return { id: ctx.faults.arm(fault).id };
  } catch (error) {
    if (error instanceof SyntaxError) throw new ControlError(400, `path: ${error.message}`);
    throw error;
  }
}

async function advanceClock(ctx: Context, req: Request): Promise<{ now: string }> {
  const offsetMs = ctx.clock.offsetMs + parse(clockSchema, req.body).advance_ms;
  ctx.clock.setOffset(offsetMs);
  await recordState(ctx, [{ object: 'clock', offset_ms: offsetMs }]);
  return { now: ctx.clock.iso() };
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
  const message = error instanceof Error && status < 500 ? error.message : 'internal error';
  if (status >= 500)
    console.error(`control request failed: ${error instanceof Error ? error.message : 'unknown'}`);
  res.status(status).json({ error: message });
};
