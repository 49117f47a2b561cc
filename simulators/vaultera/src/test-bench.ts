/* What every test of the simulator starts from: a running one, an account, a client and a target server. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Agent, request } from 'undici';
import { z } from 'zod';
import type { Config } from './config.ts';
import type { JournalEntry } from './journal.ts';
import { startSimulator } from './simulator.ts';

export type Answer = {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
  text: string;
  json: () => unknown;
};

export type Bench = {
  url: string;
  dataDir: string;
  apiKey: string;
  accountId: string;
  http: Http;
  /** A call below /api/v1 with the account's key. */
  api: (method: Method, path: string, body?: unknown, query?: Record<string, string>) => Promise<Answer>;
  session: (scope?: string) => Promise<string>;
  card: (details?: Record<string, string>) => Promise<string>;
  arm: (fault: Record<string, unknown>) => Promise<void>;
  journal: (kind?: string) => Promise<JournalEntry[]>;
  effects: (name: string) => Promise<JournalEntry[]>;
};

export type Method = 'GET' | 'POST' | 'DELETE' | 'PUT' | 'OPTIONS';
type Http = (method: Method, url: string, body?: string | Buffer, headers?: string[]) => Promise<Answer>;

/** Published test numbers; the years are far enough for any test machine. */
export const VISA = {
  card_number: '4111111111111111',
  cardholder_name: 'Ada Lovelace',
  expiration_month: '09',
  expiration_year: '2048',
  service_code: '123',
};

export async function startBench(t: TestContext, config: Partial<Config> = {}): Promise<Bench> {
  const dataDir = config.dataDir ?? (await temporaryFolder(t));
  const simulator = await startSimulator({ ...config, dataDir });
  t.after(() => simulator.close());
  return benchAt(t, simulator.url, dataDir);
}

/** A bench on a simulator that already runs; each bench is an account of its own. */
export async function benchAt(t: TestContext, url: string, dataDir: string): Promise<Bench> {
  const http = client(t);
  const control = async (method: Method, path: string, body?: unknown): Promise<unknown> => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await http(method, `${url}/_control${path}`, text, ['content-type', 'application/json']);
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.text === '' ? undefined : answer.json();
  };
  const account = z
    .object({ id: z.string(), api_key: z.string() })
    .parse(await control('POST', '/accounts', { name: `hotel ${Math.random()}` }));
  const api: Bench['api'] = (method, path, body, query = {}) =>
    http(
      method,
      `${url}/api/v1${path}?${new URLSearchParams({ api_key: account.api_key, ...query }).toString()}`,
      body === undefined ? undefined : JSON.stringify(body),
    );
  const journal = async (kind?: string): Promise<JournalEntry[]> => {
    const page = await control('GET', `/journal${kind === undefined ? '' : `?kind=${kind}`}`);
    return z.object({ entries: z.array(z.custom<JournalEntry>()) }).parse(page).entries;
  };
  return {
    url,
    dataDir,
    apiKey: account.api_key,
    accountId: account.id,
    http,
    api,
    session: async (scope = 'card') =>
      attribute(await api('POST', '/session_tokens', { session_token: { scope } }), 'session_token'),
    card: async (details = {}) =>
      attribute(await api('POST', '/cards', { card: { ...VISA, ...details } }), 'card_token'),
    arm: async (fault) => void (await control('POST', '/faults', fault)),
    journal,
    effects: async (name) => (await journal('effect')).filter((entry) => entry.effect === name),
  };
}

export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vaultera-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The statuses of racing requests, in an order that does not depend on who won. */
export function sortedStatuses(answers: Answer[]): number[] {
  return answers.map((answer) => answer.status).toSorted((a, b) => a - b);
}

/** One attribute of `{"data":{"attributes":{...}}}`. */
export function attribute(answer: Answer, name: string): string {
  const shape = z.object({ data: z.object({ attributes: z.record(z.string(), z.unknown()) }) });
  return z.string().parse(shape.parse(answer.json()).data.attributes[name]);
}

export type Received = {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: Buffer;
};
export type TargetServer = { url: string; received: Received[] };

/** A gateway: records what arrives and answers with `reply` once the body is in. */
export async function startTarget(
  t: TestContext,
  reply: RequestListener = (_req, res) => void res.end('ok'),
): Promise<TargetServer> {
  const received: Received[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = req;
      received.push({ method, url, headers, rawHeaders, body: Buffer.concat(chunks) });
      reply(req, res);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the target has no port');
  return { url: `http://127.0.0.1:${address.port}`, received };
}

function client(t: TestContext): Http {
  const agent = new Agent({ headersTimeout: 60_000, bodyTimeout: 60_000 });
  t.after(() => agent.destroy());
  return async (method, url, body, headers = []) => {
    const response = await request(url, { dispatcher: agent, method, headers, body: body ?? null });
    const bytes = Buffer.from(await response.body.arrayBuffer());
    const text = bytes.toString('utf8');
    return {
      status: response.statusCode,
      headers: response.headers,
      bytes,
      text,
      json: () => JSON.parse(text) as unknown,
    };
  };
}
