import { randomUUID } from 'node:crypto';
import { Client } from 'undici';
import { medianOf } from './identity.ts';

// Some seconds on any machine.
const CHARGES = 300;
const WARM_UP = 50;

/** The median milliseconds of a charge through the public door when nobody else asks. */
export async function measureLoneCharge(url: string, apiKeys: readonly string[]): Promise<number> {
  const client = new Client(url);
  const waits: number[] = [];
  try {
    for (let turn = 0; turn < WARM_UP + CHARGES; turn += 1) {
      const startedAt = performance.now();
      const { statusCode, body } = await client.request({
        method: 'POST',
        path: '/v1/charge',
        headers: {
          authorization: `Bearer ${apiKeys[turn % apiKeys.length]}`,
          'content-type': 'application/json',
          'idempotency-key': randomUUID(),
        },
        body: JSON.stringify({
          card_token: 'sim_card_visa',
          amount: 10_000 + turn,
          currency: 'EUR',
          booking_reference: `ALONE-${turn}`,
        }),
      });
      await body.dump();
      if (statusCode !== 201) throw new Error(`a lone charge was answered ${statusCode}`);
      if (turn >= WARM_UP) waits.push(performance.now() - startedAt);
    }
  } finally {
    await client.close();
  }
  return medianOf(waits);
}
