import { randomUUID } from 'node:crypto';
import { Client } from 'undici';
import { z } from 'zod';

// The load generator, a process of its own so that its CPU is counted apart: closed loop, one request at a time on each
// connection, merchants in turn. Reads its plan from standard input and writes one result a phase to standard output.
// Captures take the holds that the phase before has made, refunds what was captured; a phase ends early when none is left.

const kindSchema = z.enum(['charge', 'authorize', 'capture', 'refund']);
type Kind = z.infer<typeof kindSchema>;

const planSchema = z.object({
  url: z.string(),
  connections: z.int(),
  apiKeys: z.array(z.string()),
  phases: z.array(z.object({ kind: kindSchema, warmUpMs: z.int(), measureMs: z.int() })),
});
type Phase = z.infer<typeof planSchema>['phases'][number];

/** A payment that a later phase goes on with. */
type Target = { apiKey: string; paymentId: string };
type Call = { path: string; body: object; apiKey: string };

const paymentSchema = z.object({ id: z.string() });
const AMOUNT = 10_000;

const plan = planSchema.parse(JSON.parse(await readAll(process.stdin)));
const made: Record<Kind, Target[]> = { charge: [], authorize: [], capture: [], refund: [] };
let turn = 0;
for (const phase of plan.phases) await runPhase(phase);

async function runPhase({ kind, warmUpMs, measureMs }: Phase): Promise<void> {
  const startedAt = performance.now();
  const measureFrom = startedAt + warmUpMs;
  const endAt = measureFrom + measureMs;
  const latencies: number[] = [];
  const statuses = new Map<number, number>();
  let lastAt = measureFrom;
  const timer = setTimeout(() => process.stdout.write(`MEASURING ${kind}\n`), warmUpMs);
  const run = async (): Promise<void> => {
    const client = new Client(plan.url, { pipelining: 1 });
    while (performance.now() < endAt) {
      const call = nextCall(kind);
      if (call === undefined) break;
      const sentAt = performance.now();
      const status = await send(client, kind, call);
      if (sentAt < measureFrom) continue;
      lastAt = performance.now();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 201 || status === 200) latencies.push(lastAt - sentAt);
    }
    await client.close();
  };
  await Promise.all(Array.from({ length: plan.connections }, run));
  clearTimeout(timer);
  const sorted = Float64Array.from(latencies).toSorted();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const result = {
    kind,
    done: sorted.length,
    elapsedMs: Math.min(endAt, lastAt) - measureFrom,
    statuses: Object.fromEntries(statuses),
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
  };
  process.stdout.write(`RESULT ${JSON.stringify(result)}\n`);
}

/** The next request of that kind; undefined when nothing is left to capture or give back. */
function nextCall(kind: Kind): Call | undefined {
  turn += 1;
  const apiKey = plan.apiKeys[turn % plan.apiKeys.length] ?? '';
  switch (kind) {
    case 'charge':
      return { path: '/v1/charge', body: paymentBody(turn), apiKey };
    case 'authorize':
      return { path: '/v1/payments', body: { ...paymentBody(turn), capture_method: 'manual' }, apiKey };
    case 'capture': {
      const target = made.authorize.pop();
      return target === undefined
        ? undefined
        : { path: `/v1/payments/${target.paymentId}/capture`, body: {}, apiKey: target.apiKey };
    }
    case 'refund': {
      const target = made.capture.pop();
      return target === undefined
        ? undefined
        : { path: `/v1/payments/${target.paymentId}/refund`, body: { amount: 1_234 }, apiKey: target.apiKey };
    }
    default:
      throw new Error(`no call of kind ${String(kind satisfies never)}`);
  }
}

function paymentBody(number: number): object {
  return {
    card_token: 'sim_card_visa',
    // Spread a little, and clear of the simulator's magic amounts.
    amount: AMOUNT + (number % 5_000),
    currency: 'EUR',
    booking_reference: `BENCH-${number}`,
    guest: { name: 'Amina Guest', email: 'amina@example.com' },
    description: 'One night, double room',
    metadata: { channel: 'bench' },
  };
}

async function send(client: Client, kind: Kind, { path, body, apiKey }: Call): Promise<number> {
  const answer = await client.request({
    method: 'POST',
    path,
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': randomUUID(),
    },
    body: JSON.stringify(body),
  });
  // Only what a later phase goes on with is read: the client's own work is not what is measured.
  if ((kind === 'authorize' || kind === 'capture') && answer.statusCode < 202)
    made[kind].push({ apiKey, paymentId: paymentSchema.parse(await answer.body.json()).id });
  else await answer.body.dump();
  return answer.statusCode;
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  return text;
}
