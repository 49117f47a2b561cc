import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Context } from '../context.ts';
import type { ArmedFault } from '../faults/fault-book.ts';
import { mustBeAllowed } from '../policies/policy.ts';
import type { Capability } from '../policies/policy.ts';
import { mustHaveToken } from '../tokens/token.ts';
import type { Token } from '../state.ts';
import { wrapReply } from '../sys/wrapping.ts';
import { VaultError, badRequest } from './vault-error.ts';

/** One request, read whole. */
export type Call = {
  ctx: Context;
  /** Without `/v1/`. */
  path: string;
  param(name: string): string;
  body: Record<string, unknown>;
  /** Undefined where no token is needed. */
  token: Token | undefined;
};

/** What an action answers; nothing at all is 204. */
export type Answer = {
  data?: Record<string, unknown>;
  auth?: Record<string, unknown>;
  warnings?: string[];
  /** 200 unless a batch failed in part. */
  status?: number;
} | void;

export type Door = {
  /** `none` for logging in, health and unwrapping. */
  token?: 'none';
  /** Which capability the token needs; by default that of the method. Creating is another one than changing. */
  capability?: (call: Call) => Capability;
};

const bodySchema = z.record(z.string(), z.unknown());

/** Turns an action into a route: seal, token and policy first, then what it does, in Vault's envelope. */
export function endpoint(
  ctx: Context,
  action: (call: Call) => Answer | Promise<Answer>,
  door: Door = {},
): RequestHandler {
  return async (req, res) => {
    const path = pathOf(req);
    const fault = ctx.faults.claim(path);
    const call: Call = {
      ctx,
      path,
      param: (name) => String(req.params[name] ?? ''),
      body: {},
      token: undefined,
    };
    const { status, body } = await replyTo(req, call, action, door, fault);
    if (fault?.fault === 'latency') await waitFor(ctx, fault.delay_ms);
    ctx.journal.note({
      method: req.method,
      path,
      namespace: req.get('x-vault-namespace') ?? null,
      accessor: call.token?.accessor ?? null,
      status: fault?.fault === 'drop' ? null : status,
    });
    send(res, fault, status, body);
  };
}

/** The path as policies name it. */
export function pathOf(req: Request): string {
  return (req.originalUrl.split('?')[0] ?? '').replace(/^\/v1\//, '');
}

async function replyTo(
  req: Request,
  call: Call,
  action: (call: Call) => Answer | Promise<Answer>,
  door: Door,
  fault: ArmedFault | undefined,
): Promise<{ status: number; body: unknown }> {
  const { ctx } = call;
  try {
    if (ctx.state.sealed) throw new VaultError(503, 'Vault is sealed');
    if (fault?.fault === 'error') throw new VaultError(fault.status, 'injected by a fault');
    if (fault?.fault === 'drop') return { status: 500, body: {} };
    if (ctx.config.namespace !== undefined && req.get('x-vault-namespace') !== ctx.config.namespace)
      throw new VaultError(403, 'permission denied');
    call.body = parseBody(req);
    if (door.token !== 'none') {
      call.token = mustHaveToken(ctx, tokenOf(req));
      const capability = door.capability?.(call) ?? CAPABILITIES[req.method] ?? 'update';
      mustBeAllowed(ctx, call.token, call.path, capability);
    }
    const answer = await action(call);
    ctx.save();
    if (answer === undefined) return { status: 204, body: undefined };
    return {
      status: answer.status ?? 200,
      body: wrapReply(call, req.get('x-vault-wrap-ttl'), envelope(answer)),
    };
  } catch (error) {
    if (error instanceof VaultError) return { status: error.status, body: { errors: error.errors } };
    console.error(`${req.method} ${call.path} failed: ${error instanceof Error ? error.message : 'unknown'}`);
    return { status: 500, body: { errors: ['internal error'] } };
  }
}

const CAPABILITIES: Partial<Record<string, Capability>> = {
  GET: 'read',
  LIST: 'list',
  DELETE: 'delete',
  PATCH: 'patch',
};

function tokenOf(req: Request): string | undefined {
  return req.get('x-vault-token') ?? /^Bearer (.+)$/i.exec(req.get('authorization') ?? '')?.[1];
}

function parseBody(req: Request): Record<string, unknown> {
  const bytes: unknown = req.body;
  if (!Buffer.isBuffer(bytes) || bytes.length === 0) return {};
  try {
    return bodySchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    throw badRequest('failed to parse JSON input');
  }
}

function envelope({ data, auth, warnings }: Exclude<Answer, void>): Record<string, unknown> {
  return {
    request_id: randomUUID(),
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: data ?? null,
    wrap_info: null,
    warnings: warnings === undefined || warnings.length === 0 ? null : warnings,
    auth: auth ?? null,
  };
}

function send(res: Response, fault: ArmedFault | undefined, status: number, body: unknown): void {
  res.set('cache-control', 'no-store');
  switch (fault?.fault) {
    case 'drop':
      res.socket?.destroy();
      return;
    case 'page':
      res.status(200).type('html').send('<html>Bad gateway</html>');
      return;
    case 'flood':
      res.status(200).json({ data: { padding: 'x'.repeat(8 * 1024 * 1024) } });
      return;
    case 'error':
      if (fault.retry_after_seconds !== undefined) res.set('retry-after', String(fault.retry_after_seconds));
      break;
    default:
  }
  if (body === undefined) res.status(status).end();
  else res.status(status).json(body);
}

async function waitFor(ctx: Context, delayMs: number): Promise<void> {
  await pause(delayMs, undefined, { signal: ctx.stopping.signal }).catch(() => undefined);
}
