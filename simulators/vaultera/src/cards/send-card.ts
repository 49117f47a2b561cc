import { authenticate } from '../api-keys/api-key.ts';
import type { Call } from '../call.ts';
import type { Context } from '../context.ts';
import { recordEffect } from '../context.ts';
import type { Reply } from '../replies.ts';
import { VaulteraError } from '../replies.ts';
import type { Card } from '../state.ts';
import { withoutCardNumbers } from '../without-card-numbers.ts';
import { cardInPath, openCard } from './card.ts';
import { fillDropIns } from './drop-ins.ts';
import { forward } from './forward.ts';
import type { Target } from './target.ts';
import { targetOf } from './target.ts';

/**
 * `POST /cards/:card_token/send?method=&url=`: fills the drop-ins of the body and passes the request on.
 * The service code stays: the target may decline, and a retry needs it.
 */
export async function sendCard(ctx: Context, call: Call): Promise<Reply> {
  const accountId = authenticate(ctx, call);
  const target = targetOf(call, ctx.config);
  const card = cardInPath(ctx, accountId, call);
  const body = filledBody(ctx, call, card);
  try {
    const reply = await forward(ctx.targets, target, call.rawHeaders, body);
    await recordSent(ctx, call, card, target, reply.status);
    return reply;
  } catch (error) {
    // A refused address (400) was never contacted; after a 502 or 504 the target may have acted.
    if (error instanceof VaulteraError && error.status !== 400)
      await recordSent(ctx, call, card, target, null, error.code);
    throw error;
  }
}

function filledBody(ctx: Context, call: Call, card: Card): Buffer {
  const encoding = call.headers['content-encoding'];
  // A compressed body cannot hold a readable placeholder: it goes on as it is.
  if (encoding !== undefined && encoding !== 'identity') return call.body;
  const open = openCard(ctx, card);
  const seen = call.fault?.fault === 'cvv_wiped' ? { ...open, service_code: undefined } : open;
  return fillDropIns(call.body, call.headers['content-type'], card, seen, ctx.assumptions);
}

/** `inner_status` is what the target answered, or null with the reason when the proxy got no answer. */
function recordSent(
  ctx: Context,
  call: Call,
  card: Card,
  target: Target,
  innerStatus: number | null,
  failure?: string,
): Promise<void> {
  const idempotencyKey = call.headers['idempotency-key'];
  return recordEffect(
    ctx,
    'card.sent',
    {
      account: card.account_id,
      token: card.token,
      method: target.method,
      host: target.url.host,
      path: withoutCardNumbers(target.url.pathname),
      inner_status: innerStatus,
      ...(failure !== undefined && { failure }),
      idempotency_key: typeof idempotencyKey === 'string' ? withoutCardNumbers(idempotencyKey) : null,
    },
    [],
  );
}
