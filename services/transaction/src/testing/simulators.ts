import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { startSimulator as startStripe } from '@centra/simulator-stripe/simulator.ts';
import { startSimulator as startVaultera } from '@centra/simulator-vaultera/simulator.ts';
import { temporaryFolder } from '@centra/testkit/temporary-folder.ts';
import { request } from 'undici';
import { z } from 'zod';

type Method = 'GET' | 'POST' | 'DELETE';
type Fault = { fault: string; path?: string; method?: string; times?: number } & Record<string, unknown>;

const lineSchema = z.object({ seq: z.number(), kind: z.string() }).loose();
const pageSchema = z.object({ entries: z.array(lineSchema), last_seq: z.number() });

/** One line of a simulator's own record: the ground truth of what happened outside. */
export type JournalLine = z.infer<typeof lineSchema>;

type Control = {
  url: string;
  arm(fault: Fault): Promise<void>;
  clearFaults(): Promise<void>;
  journal(kind: 'effect' | 'request'): Promise<JournalLine[]>;
};

export type StripeSimulator = Control & {
  /** Answers the account's id; `permissions` are what a restricted key may do. */
  account(secretKey: string, options?: { id?: string; permissions?: string[] }): Promise<string>;
  revokeKey(accountId: string, secretKey: string): Promise<void>;
  /** Nobody listens until `start`, on the same port with the same data. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
};

export type VaulteraSimulator = Control & {
  account(): Promise<{ apiKey: string }>;
  /** A card's token, as the capture form would answer it. */
  card(apiKey: string, number: string, serviceCode?: string): Promise<string>;
  deleteCard(apiKey: string, token: string): Promise<void>;
  hasServiceCode(token: string): Promise<boolean>;
  /** Changes what the vendor's documents leave open. */
  assume(assumptions: Record<string, unknown>): Promise<void>;
  close(): Promise<void>;
};

export async function startStripeSimulator(): Promise<StripeSimulator> {
  const dataDir = temporaryFolder('stripe-simulator');
  // What Stripe's search knows lags behind; a fifth of a second is enough to meet that.
  const start = async (port: number) => await startStripe({ dataDir, port, searchDelayMs: 200 });
  let simulator = await start(0);
  const { url, port } = simulator;
  return {
    ...controlOf(url),
    async account(secretKey, { id, permissions } = {}) {
      const body = { secret_key: secretKey, name: 'Riad Centra', raw_card_data: true, id, permissions };
      return z.object({ id: z.string() }).parse(await call(url, 'POST', '/accounts', body)).id;
    },
    async revokeKey(accountId, secretKey) {
      await call(url, 'POST', `/accounts/${accountId}/revoke_key`, { secret_key: secretKey });
    },
    stop: async () => await simulator.close(),
    start: async () => void (simulator = await start(port)),
    async close() {
      await simulator.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export async function startVaulteraSimulator(): Promise<VaulteraSimulator> {
  const dataDir = temporaryFolder('vaultera-simulator');
  const simulator = await startVaultera({ dataDir });
  const { url } = simulator;
  return {
    ...controlOf(url),
    async account() {
      const made = await call(url, 'POST', '/accounts', { name: `hotel ${randomBytes(4).toString('hex')}` });
      return { apiKey: z.object({ api_key: z.string() }).parse(made).api_key };
    },
    async card(apiKey, number, serviceCode) {
      const card = {
        card_number: number,
        cardholder_name: 'Ada Lovelace',
        service_code: serviceCode ?? (number.startsWith('3') ? '1234' : '123'),
        expiration_month: '09',
        expiration_year: '2048',
      };
      const made = await send('POST', `${url}/api/v1/cards?api_key=${apiKey}`, { card });
      return z.object({ data: z.object({ attributes: z.object({ card_token: z.string() }) }) }).parse(made)
        .data.attributes.card_token;
    },
    async deleteCard(apiKey, token) {
      await send('DELETE', `${url}/api/v1/cards/${token}?api_key=${apiKey}`);
    },
    assume: async (assumptions) => void (await call(url, 'POST', '/assumptions', assumptions)),
    async hasServiceCode(token) {
      return z.object({ cvv_present: z.boolean() }).parse(await call(url, 'GET', `/cards/${token}`))
        .cvv_present;
    },
    async close() {
      await simulator.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function controlOf(url: string): Control {
  return {
    url,
    arm: async (fault) => void (await call(url, 'POST', '/faults', fault)),
    clearFaults: async () => void (await call(url, 'DELETE', '/faults')),
    async journal(kind) {
      const lines: JournalLine[] = [];
      for (let after = 0; ;) {
        const page = pageSchema.parse(await call(url, 'GET', `/journal?after=${after}&kind=${kind}`));
        if (page.entries.length === 0) return lines;
        lines.push(...page.entries);
        after = page.last_seq;
      }
    },
  };
}

async function call(url: string, method: Method, path: string, body?: unknown): Promise<unknown> {
  return await send(method, `${url}/_control${path}`, body);
}

/** A request that must succeed. */
export async function send(method: Method, url: string, body?: unknown): Promise<unknown> {
  const reply = await request(url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await reply.body.text();
  if (reply.statusCode >= 400)
    throw new Error(`${method} ${url.split('?')[0] ?? ''}: ${reply.statusCode} ${text}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}
