import type { Response } from 'express';
import type { Context } from '../context.ts';
import type { Reply, ReplyKey } from './reply-writer.ts';
import { keepReply } from './stored-reply.ts';

/** What an operation came to: over, with the reply to keep, or not over yet, with the body of a 202. */
export type Answer = { isOver: true; reply: Reply } | { isOver: false; body: object };

/** A reply that is kept. Its body is serialised here, once. */
export function overWith(statusCode: Reply['statusCode'], json: object, location: string | null): Answer {
  return { isOver: true, reply: { statusCode, location, body: Buffer.from(JSON.stringify(json)) } };
}

/**
 * Sends the stored answer to this key, or this one and stores it. `answer` must be a pure function of transaction's
 * record, with nothing of the request or the moment in it, so that a lost reply can be derived again byte by byte.
 */
export async function sendAnswer(
  context: Context,
  response: Response,
  key: ReplyKey,
  answer: Answer,
  replayed: boolean,
): Promise<void> {
  if (replayed) response.setHeader('idempotent-replayed', 'true');
  // Not over yet, so not the answer to keep: the same key will be told how it ended.
  if (!answer.isOver) {
    response.status(202).json(answer.body);
    return;
  }
  const reply = await keepReply(context, key, answer.reply, replayed);
  context.config.failpoint('payment-api.after-store');
  send(response, reply);
}

/** The stored bytes as they are; nothing in between may serialise them again. */
function send(response: Response, reply: Reply): void {
  response.statusCode = reply.statusCode;
  response.setHeader(
    'content-type',
    reply.statusCode === 402 ? 'application/problem+json' : 'application/json',
  );
  if (reply.location !== null) response.setHeader('location', reply.location);
  response.end(reply.body);
}
