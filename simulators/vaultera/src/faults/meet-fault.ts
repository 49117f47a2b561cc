import { setTimeout as delay } from 'node:timers/promises';
import type { Response } from 'express';
import { errorEnvelope, sessionRejected, unauthorized } from '../assumptions.ts';
import type { Context } from '../context.ts';
import type { Reply } from '../replies.ts';
import { jsonReply, notFound, VaulteraError } from '../replies.ts';
import type { ArmedFault } from './fault-book.ts';

/** A drip goes out in this many pieces a second: small enough to look steady, large enough to cost little. */
const DRIPS_PER_SECOND = 10;

const HTML_ERROR = `<html>
<head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body>
</html>
`;

/** The faults that strike before the action: throws the refusal, or returns when the action should run. */
export function refuseByFault(ctx: Context, fault: ArmedFault): void {
  switch (fault.fault) {
    case 'error_before':
      throw new VaulteraError(fault.status, 'internal_server_error', 'Internal Server Error');
    case 'rate_limit':
      throw new VaulteraError(429, 'too_many_requests', 'Too Many Requests');
    case 'revoked_credential':
      throw unauthorized(ctx.assumptions);
    case 'card_not_found':
      throw notFound();
    case 'session_rejected':
      throw sessionRejected(ctx.assumptions);
    case 'drop_before_act':
      throw new VaulteraError(500, 'dropped', 'Dropped');
    case 'html_error':
      if (!fault.act) throw new VaulteraError(502, 'bad_gateway', 'Bad Gateway');
      return;
    default:
  }
}

/**
 * Sends the reply, or what the fault makes of it.
 * `note` is called with the status that goes out (null: none) right before the first byte.
 */
export async function answerWithFault(
  ctx: Context,
  res: Response,
  reply: Reply,
  fault: ArmedFault | undefined,
  note: (status: number | null) => void,
): Promise<void> {
  if (fault === undefined) {
    note(reply.status);
    return deliver(res, reply);
  }
  await pause(ctx, fault);
  const changed = replyUnder(fault, reply);
  note(changed?.status ?? null);
  if (changed === undefined) {
    res.destroy();
  } else if (fault.fault === 'truncated_body') {
    truncate(res, changed);
  } else if (fault.fault === 'slow_drip') {
    await drip(ctx, res, changed, fault.bytes_per_second);
  } else {
    deliver(res, changed);
  }
}

async function pause(ctx: Context, fault: ArmedFault): Promise<void> {
  if (fault.fault !== 'answer_late' && fault.fault !== 'target_acts_then_timeout') return;
  await wait(ctx, fault.delay_ms);
}

/** The reply as the fault alters it, or undefined when the connection is cut instead. */
function replyUnder(fault: ArmedFault, reply: Reply): Reply | undefined {
  switch (fault.fault) {
    case 'act_then_drop':
    case 'drop_before_act':
    case 'target_acts_then_drop':
      return undefined;
    case 'error_after':
      return errorReply(fault.status, 'internal_server_error', 'Internal Server Error');
    case 'target_acts_then_timeout':
      return errorReply(504, 'gateway_timeout', 'The target did not answer in time');
    case 'html_error':
      return { status: 502, headers: { 'content-type': 'text/html' }, body: Buffer.from(HTML_ERROR) };
    case 'rate_limit':
      return fault.retry_after_seconds === undefined
        ? reply
        : { ...reply, headers: { ...reply.headers, 'retry-after': String(fault.retry_after_seconds) } };
    default:
      return reply;
  }
}

function errorReply(status: number, code: string, title: string): Reply {
  return jsonReply(status, errorEnvelope(new VaulteraError(status, code, title)));
}

function deliver(res: Response, reply: Reply): void {
  writeHead(res, reply);
  res.end(reply.body);
}

function writeHead(res: Response, reply: Reply): void {
  // These two never have a body, and 204 may not even announce one (RFC 9110, 8.6).
  const bodiless = reply.status === 204 || reply.status === 304;
  const headers = bodiless
    ? reply.headers
    : { ...reply.headers, 'content-length': String(reply.body.length) };
  if (reply.reason === undefined) res.writeHead(reply.status, headers);
  else res.writeHead(reply.status, reply.reason, headers);
}

function truncate(res: Response, reply: Reply): void {
  const half = reply.body.subarray(0, Math.floor(reply.body.length / 2));
  if (half.length === 0) {
    res.destroy();
    return;
  }
  writeHead(res, reply);
  // Hang up only after the half is on the wire.
  res.write(half, () => res.destroy());
}

async function drip(ctx: Context, res: Response, reply: Reply, bytesPerSecond: number): Promise<void> {
  writeHead(res, reply);
  const piece = Math.max(1, Math.floor(bytesPerSecond / DRIPS_PER_SECOND));
  const intervalMs = (piece / bytesPerSecond) * 1000;
  for (
    let sent = 0;
    sent < reply.body.length && !res.destroyed && !ctx.stopping.signal.aborted;
    sent += piece
  ) {
    if (sent > 0) await wait(ctx, intervalMs);
    res.write(reply.body.subarray(sent, sent + piece));
  }
  res.end();
}

async function wait(ctx: Context, ms: number): Promise<void> {
  // A stop of the simulator ends the wait; the answer then goes out at once.
  await delay(ms, undefined, { signal: ctx.stopping.signal }).catch(() => undefined);
}
