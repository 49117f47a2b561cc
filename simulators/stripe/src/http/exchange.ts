// One HTTP exchange under the faults that bend the wire: what goes wrong before the work, and what after it.
import { setTimeout as sleep } from 'node:timers/promises';

import type { Request, Response } from 'express';

import type { Context } from '../context.ts';
import type { FaultOf, FaultTarget } from '../faults/fault.ts';

const BEFORE = [
  'drop_before_act',
  'error_before',
  'rate_limit',
  'revoked_credential',
  'idempotency_in_use',
  'lock_timeout',
] as const;
const AFTER = ['act_then_drop', 'answer_late', 'error_after', 'slow_drip', 'truncated_body'] as const;

export type BeforeFault = FaultOf<(typeof BEFORE)[number]>;
export type AfterFault = FaultOf<(typeof AFTER)[number]>;

/** The faults that met this request. */
export type Plan = { target: FaultTarget; before: BeforeFault | undefined; after: AfterFault | undefined };

/** A reply as it goes on the wire; null closes the connection without one. */
export type Reply = { status: number; headers: Record<string, string>; text: string } | null;

/** Runs the work between the two kinds of faults. `run` has journalled everything when it resolves. */
export async function exchange(
  context: Context,
  req: Request,
  res: Response,
  run: (plan: Plan) => Promise<Reply>,
): Promise<void> {
  const target = { method: req.method, path: req.path };
  const before = context.faults.fire(BEFORE, target);
  const after = before ? undefined : context.faults.fire(AFTER, target);
  const reply = await run({ target, before, after });
  if (reply === null || after?.fault === 'act_then_drop') {
    req.socket.destroy();
    return;
  }
  if (after?.fault === 'answer_late') await sleep(after.delay_ms);
  await send(res, reply, after);
}

async function send(res: Response, reply: NonNullable<Reply>, after: AfterFault | undefined): Promise<void> {
  const body = Buffer.from(reply.text);
  res.writeHead(reply.status, { ...reply.headers, 'Content-Length': String(body.length) });
  if (after?.fault === 'truncated_body') {
    res.write(body.subarray(0, Math.floor(body.length / 2)), () => res.socket?.destroy());
    return;
  }
  if (after?.fault === 'slow_drip') await drip(res, body, after.bytes_per_second);
  else res.end(body);
}

/** Ten small writes a second at most; stops when the client has gone. */
async function drip(res: Response, body: Buffer, bytesPerSecond: number): Promise<void> {
  const chunkBytes = Math.max(1, Math.ceil(bytesPerSecond / 10));
  for (let at = 0; at < body.length && !res.destroyed; at += chunkBytes) {
    res.write(body.subarray(at, at + chunkBytes));
    await sleep((chunkBytes / bytesPerSecond) * 1_000);
  }
  res.end();
}
