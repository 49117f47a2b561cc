import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Context } from '../context.ts';
import type { Call } from '../http/endpoint.ts';
import { parseInput, secondsSchema } from '../http/input.ts';

/** The reply itself, or a token that gives it out once when the request asked for that (`X-Vault-Wrap-TTL`). */
export function wrapReply(
  { ctx, path }: Pick<Call, 'ctx' | 'path'>,
  wrapTtl: string | undefined,
  reply: Record<string, unknown>,
): Record<string, unknown> {
  if (wrapTtl === undefined) return reply;
  const ttl = parseInput(secondsSchema, wrapTtl);
  const token = `hvs.${randomBytes(24).toString('base64url')}`;
  ctx.state.wrapped[token] = { expires_at: ctx.clock.nowMs() + ttl * 1000, reply };
  ctx.save();
  const wrapInfo = { token, accessor: '', ttl, creation_time: ctx.clock.iso(), creation_path: path };
  return { ...reply, data: null, auth: null, wrap_info: wrapInfo };
}

/** `POST /v1/sys/wrapping/unwrap`: gives out what a wrapping token holds, once. */
export function unwrap(ctx: Context): (req: Request, res: Response) => void {
  return (req, res) => {
    if (ctx.state.sealed) {
      res.status(503).json({ errors: ['Vault is sealed'] });
      return;
    }
    const token = req.get('x-vault-token') ?? '';
    const held = ctx.state.wrapped[token];
    delete ctx.state.wrapped[token];
    ctx.save();
    const known = held !== undefined && held.expires_at > ctx.clock.nowMs();
    const status = known ? 200 : 400;
    ctx.journal.note({
      method: 'POST',
      path: 'sys/wrapping/unwrap',
      namespace: null,
      accessor: null,
      status,
    });
    if (known) res.json(held.reply);
    else res.status(400).json({ errors: ['wrapping token is not valid or does not exist'] });
  };
}
