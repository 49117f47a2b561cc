import type { ClientLine } from '../run-folder.ts';
import { groupBy } from './group.ts';
import { operationOfKey } from './public-ids.ts';

type Line<T extends ClientLine['type']> = Extract<ClientLine, { type: T }>;

/** One request and how it ended for its client; undefined: the client itself was gone. */
export type Exchange = { asked: Line<'invoke'>; end: Exclude<ClientLine, Line<'invoke'>> | undefined };

/** Everything that one hotel asked for under one Idempotency-Key, in the order of asking. */
export type KeyUse = { merchantId: string; key: string; operationId: string; exchanges: Exchange[] };

/** The journal of the load, key by key. Throws when an end has no beginning or two. */
export function keyUsesOf(lines: readonly ClientLine[], mode: string): KeyUse[] {
  const exchanges = new Map<number, Exchange>();
  for (const line of lines) {
    const known = exchanges.get(line.id);
    if (line.type === 'invoke') {
      if (known !== undefined) throw new Error(`client journal: request ${line.id} begins twice`);
      exchanges.set(line.id, { asked: line, end: undefined });
      continue;
    }
    if (known?.end !== undefined || known === undefined)
      throw new Error(`client journal: request ${line.id} ends ${known === undefined ? 'unasked' : 'twice'}`);
    known.end = line;
  }
  return [
    ...groupBy([...exchanges.values()], ({ asked }) => `${asked.merchantId} ${asked.key}`).values(),
  ].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const { merchantId, key } = first.asked;
    return [{ merchantId, key, operationId: operationOfKey(merchantId, mode, key), exchanges: own }];
  });
}

/** The answers that say what was done: 200, 201, or a decline. A repeat gets the same. */
export function finalAnswers({ exchanges }: KeyUse): (Exchange & { end: Line<'ok'> | Line<'fail'> })[] {
  return exchanges.flatMap((exchange) => {
    const { end } = exchange;
    const isFinal = end?.type === 'ok' || (end?.type === 'fail' && end.status === 402);
    return isFinal ? [{ ...exchange, end }] : [];
  });
}
