import { randomUUID } from 'node:crypto';
import { Client } from 'undici';
import { z } from 'zod';

// The load generator, a process of its own so that its CPU is counted apart: closed loop, one request at a time on each
// connection, merchants in turn. Reads its plan from standard input and writes its result to standard output.

const planSchema = z.object({
  url: z.string(),
  connections: z.int(),
  warmUpMs: z.int(),
  measureMs: z.int(),
  apiKeys: z.array(z.string()),
});

const plan = planSchema.parse(JSON.parse(await readAll(process.stdin)));
const startedAt = performance.now();
const measureFrom = startedAt + plan.warmUpMs;
const endAt = measureFrom + plan.measureMs;
const latencies: number[] = [];
const statuses = new Map<number, number>();
let turn = 0;

setTimeout(() => process.stdout.write('MEASURING\n'), plan.warmUpMs);
await Promise.all(Array.from({ length: plan.connections }, run));
const sorted = Float64Array.from(latencies).toSorted();
const at = (share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const result = {
  charges: sorted.length,
  statuses: Object.fromEntries(statuses),
  p50: at(0.5),
  p95: at(0.95),
  p99: at(0.99),
};
process.stdout.write(`RESULT ${JSON.stringify(result)}\n`);

async function run(): Promise<void> {
  const client = new Client(plan.url, { pipelining: 1 });
  while (performance.now() < endAt) {
    turn += 1;
    const sentAt = performance.now();
    const status = await charge(client, plan.apiKeys[turn % plan.apiKeys.length] ?? '', turn);
    if (sentAt < measureFrom) continue;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status === 201) latencies.push(performance.now() - sentAt);
  }
  await client.close();
}

async function charge(client: Client, apiKey: string, number: number): Promise<number> {
  const { statusCode, body } = await client.request({
    method: 'POST',
    path: '/v1/charge',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    },
    body: JSON.stringify({
      card_token: 'sim_card_visa',
      amount: 10_000 + (number % 5_000),
      currency: 'EUR',
      booking_reference: `BENCH-${number}`,
      guest: { name: 'Amina Guest', email: 'amina@example.com' },
      description: 'One night, double room',
      metadata: { channel: 'bench' },
    }),
  });
  await body.dump();
  return statusCode;
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  return text;
}
