import type { Hotel } from '@centra/dev/seed.ts';
import { request } from 'undici';
import { TIMEOUT_MS } from '../load/ask.ts';
import type { Answered, Unanswered } from '../load/ask.ts';

/** Asks for the price of one airport transfer by the shipped pricing: no dates, so it is never out of season. */
export async function quote(door: string, { apiKey }: Pick<Hotel, 'apiKey'>): Promise<Answered | Unanswered> {
  try {
    const answer = await request(`${door}/v1/quotes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ currency: 'EUR', items: [{ item: 'transfer.airport', quantity: 1 }] }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    const json: unknown = JSON.parse(bytes.toString('utf8'));
    return { status: answer.statusCode, headers: answer.headers, json, bytes };
  } catch (error) {
    return { status: 0, reason: String(error) };
  }
}
