import type { Context } from '../context.ts';
import { REPLY_QUERY_TIMEOUT_MS } from './reply-writer.ts';
import type { Reply, ReplyKey } from './reply-writer.ts';

/**
 * The answer to give: the one stored first, or `derived` once it is stored. `derived` must be a pure function of
 * transaction's record. So when the database is away the derived answer is given unstored: the money has moved (or has
 * not), and hiding that would be worse than deriving the same bytes again at the next call.
 */
export async function keepReply(
  context: Context,
  key: ReplyKey,
  derived: Reply,
  replayed: boolean,
): Promise<Reply> {
  let timer: NodeJS.Timeout | undefined;
  const impatience = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no reply stored within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([storeFirst(context, key, derived, replayed), impatience]);
  } catch (error) {
    context.counters.repliesNotStored.inc();
    context.log.error({ err: error, operationId: key.operationId }, 'reply neither stored nor read');
    return derived;
  } finally {
    clearTimeout(timer);
  }
}

// How long a hanging database may hold up the news of a charge. Every dependency's failure must be answered within 2 s
// (promise P9).
const PATIENCE_MS = 1_500;

async function storeFirst(
  context: Context,
  key: ReplyKey,
  derived: Reply,
  replayed: boolean,
): Promise<Reply> {
  // A replay usually finds its reply; only a crash between charge and reply makes it look in vain.
  const known = replayed ? await readReply(context, key) : undefined;
  if (known !== undefined) return known;
  if (await context.replyWriter.store(key, derived)) return derived;
  return (await readReply(context, key)) ?? derived;
}

async function readReply(context: Context, key: ReplyKey): Promise<Reply | undefined> {
  const select = {
    name: 'read_reply',
    // The fingerprint too: whatever went wrong, nobody is handed the answer to another request.
    text: `select status_code as "statusCode", location, body from replies
            where merchant_id = $1 and operation_id = $2 and mode = $3 and fingerprint = $4`,
    values: [key.merchantId, key.operationId, key.mode, key.fingerprint],
    query_timeout: REPLY_QUERY_TIMEOUT_MS,
  };
  const { rows } = await context.pool.query<Reply>(select);
  return rows[0];
}
