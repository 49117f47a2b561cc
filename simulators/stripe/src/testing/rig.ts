// For tests: a simulator in this process with its own folder, one account, and the official SDK pointed at it.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { Stripe } from 'stripe';
import { request } from 'undici';

import type { Config } from '../config.ts';
import type { JournalLine } from '../journal/journal-lines.ts';
import { startSimulator, type Simulator } from '../simulator.ts';

export const SECRET_KEY = 'sk_test_rigrigrigrigrig1';

export type Rig = {
  simulator: Simulator;
  dataDir: string;
  account: string;
  stripe: Stripe;
  /** A client for another key, or with other options. */
  client: (key?: string, options?: Stripe.StripeConfig) => Stripe;
  /** Any request, with the account's key unless told otherwise. */
  call: (
    method: 'DELETE' | 'GET' | 'POST',
    path: string,
    form?: string,
    headers?: Record<string, string>,
  ) => Promise<Called>;
  control: (
    method: 'DELETE' | 'GET' | 'POST',
    path: string,
    body?: unknown,
  ) => Promise<{ status: number; body: unknown }>;
  arm: (fault: Record<string, unknown>) => Promise<void>;
  effects: (type?: string) => Promise<JournalLine[]>;
  /** Stops, runs `between` while nothing has the files open, and starts again. */
  restart: (between?: () => Promise<void>) => Promise<void>;
};

export type Called = { status: number; headers: IncomingHttpHeaders; text: string; body: Body };
export type Body = { [name: string]: unknown; error?: Record<string, unknown> };

/** Starts a simulator that ends with the test. */
export async function startRig(t: TestContext, options: Partial<Config> = {}): Promise<Rig> {
  const dataDir = await mkdtemp(join(tmpdir(), 'stripe-simulator-'));
  const settings: Partial<Config> & { dataDir: string } = {
    port: 0,
    searchDelayMs: 0,
    webhookRetryMs: 20,
    ...options,
    dataDir,
  };
  let simulator = await startSimulator(settings);
  t.after(async () => {
    await simulator.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  const control: Rig['control'] = async (method, path, body) => {
    const answer = await request(`${simulator.url}/_control${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return { status: answer.statusCode, body: await answer.body.json() };
  };
  const client: Rig['client'] = (key = SECRET_KEY, more = {}) =>
    new Stripe(key, {
      host: simulator.host,
      port: simulator.port,
      protocol: 'http',
      maxNetworkRetries: 0,
      telemetry: false,
      ...more,
    });
  const made = await control('POST', '/accounts', {
    secret_key: SECRET_KEY,
    name: 'Riad',
    raw_card_data: true,
  });
  const rig: Rig = {
    simulator,
    dataDir,
    account: fieldOf(made.body, 'id'),
    stripe: client(),
    client,
    control,
    call: (method, path, form, headers) => call(simulator.url, method, path, form, headers),
    arm: async (fault) => {
      const { status, body } = await control('POST', '/faults', fault);
      if (status !== 201) throw new Error(`the fault was not armed: ${JSON.stringify(body)}`);
    },
    effects: async (type) =>
      (await journalOf(control, 'effect')).filter((line) => type === undefined || line['effect'] === type),
    restart: async (between) => {
      await simulator.close();
      await between?.();
      simulator = await startSimulator(settings);
      rig.simulator = simulator;
      rig.stripe = client();
    },
  };
  return rig;
}

async function call(
  base: string,
  method: 'DELETE' | 'GET' | 'POST',
  path: string,
  form?: string,
  headers: Record<string, string> = {},
): Promise<Called> {
  const answer = await request(`${base}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${SECRET_KEY}`,
      ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
    ...(form === undefined ? {} : { body: form }),
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, headers: answer.headers, text, body: asBody(text) };
}

function asBody(text: string): Body {
  if (!text.startsWith('{')) return {};
  const body: Body = JSON.parse(text);
  return body;
}

async function journalOf(control: Rig['control'], kind: string): Promise<JournalLine[]> {
  const lines: JournalLine[] = [];
  for (let after = 0; ;) {
    const { body } = await control('GET', `/journal?after=${after}&kind=${kind}`);
    const page: { entries: JournalLine[]; last_seq: number } = JSON.parse(JSON.stringify(body));
    if (page.entries.length === 0) return lines;
    lines.push(...page.entries);
    after = page.last_seq;
  }
}

/** A text field of an unknown object; throws when it is not one. */
export function fieldOf(value: unknown, name: string): string {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  if (typeof found !== 'string') throw new Error(`${name} is missing in ${JSON.stringify(value)}`);
  return found;
}

/** The SDK's error of a call that must fail. */
export async function errorOf(promise: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof Stripe.errors.StripeError) return outcome.error;
  throw new Error(`expected a Stripe error, got ${JSON.stringify(outcome)}`);
}

/** Waits until `check` answers something; fails after a time no healthy run needs. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export type Delivery = { body: string; signature: string; event: Stripe.Event; path: string };

export type Receiver = {
  url: string;
  deliveries: Delivery[];
  /** Answers in turn; 200 when none is left. */
  statuses: number[];
  /** Takes every event and never answers. */
  hangs: boolean;
};

/** An endpoint on this machine that keeps what it is sent. */
export async function startReceiver(t: TestContext): Promise<Receiver> {
  const receiver: Receiver = { url: '', deliveries: [], statuses: [], hangs: false };
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const event: Stripe.Event = JSON.parse(body);
      receiver.deliveries.push({
        body,
        signature: String(req.headers['stripe-signature']),
        event,
        path: req.url ?? '',
      });
      if (receiver.hangs) return;
      const status = receiver.statuses.shift() ?? 200;
      res.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port');
  receiver.url = `http://127.0.0.1:${address.port}/hooks`;
  return receiver;
}
