import { readFileSync } from 'node:fs';
import { ConfigError } from '@centra/service-kit/env.ts';
import type { Secret } from '@centra/service-kit/secret.ts';
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { z } from 'zod';
import type { VaultConfig } from './vault-config.ts';
import { VaultError } from './vault-error.ts';

/** One request; `path` stands without `/v1/`. */
export type VaultRequest = {
  method: 'GET' | 'POST';
  path: string;
  body?: Readonly<Record<string, unknown>>;
  token?: Secret;
};

/** Requests to Vault's nodes and nowhere else. */
export type Transport = {
  /** The parsed body of a 2xx; VaultError for everything else. One attempt. */
  send(asked: VaultRequest): Promise<unknown>;
  close(): Promise<void>;
};

// A wrapped key is 120 bytes and a key's description under 4 KiB, with a thousand versions 30 KiB.
const BODY_MAX_BYTES = 64 * 1024;
// Standby to active node, and once more when leadership moves meanwhile.
const REDIRECTS_MAX = 2;
// A replica unwraps a handful of keys at once; more connections would only burden Vault.
const CONNECTIONS_MAX = 8;

/** ConfigError when the file of authorities cannot be read. */
export function createTransport(config: VaultConfig): Transport {
  const agent = new Agent({
    connections: CONNECTIONS_MAX,
    connect: {
      timeout: config.timeoutMs,
      ...(config.caFile === undefined ? {} : { ca: readCa(config.caFile) }),
    },
  });
  const origins = new Set([config.address, ...config.nodes]);
  return {
    async send(asked) {
      let url = new URL(`/v1/${asked.path}`, config.address);
      const signal = AbortSignal.timeout(config.timeoutMs);
      for (let redirects = 0; ; redirects += 1) {
        const answer = await ask(agent, config, url, asked, signal);
        if (answer.statusCode !== 307) return await readAnswer(answer, asked);
        await answer.body.dump();
        if (redirects === REDIRECTS_MAX) throw new VaultError('Vault redirects in a circle', { status: 307 });
        url = redirected(url, answer, origins);
      }
    },
    close: () => agent.destroy(),
  };
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new ConfigError('VAULT_CA_FILE names a file that cannot be read');
  }
}

async function ask(
  dispatcher: Agent,
  config: VaultConfig,
  url: URL,
  { method, body, token }: VaultRequest,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const headers: Record<string, string> = { accept: 'application/json', 'x-vault-request': 'true' };
  if (config.namespace !== undefined) headers['x-vault-namespace'] = config.namespace;
  if (token !== undefined) headers['x-vault-token'] = token.reveal();
  if (body !== undefined) headers['content-type'] = 'application/json';
  try {
    return await request(url, {
      dispatcher,
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    throw new VaultError(
      signal.aborted ? 'Vault did not answer in time' : `Vault cannot be reached: ${codeOf(error)}`,
    );
  }
}

/** Follows a standby to a node that the configuration names; anywhere else the token would be given away. */
function redirected(from: URL, { headers }: Dispatcher.ResponseData, origins: ReadonlySet<string>): URL {
  const { location } = headers;
  if (typeof location !== 'string' || !URL.canParse(location, from.href))
    throw new VaultError('Vault redirects to nowhere', { status: 307 });
  const to = new URL(location, from);
  if (!origins.has(to.origin))
    throw new VaultError(`Vault redirects to ${to.origin}, which VAULT_NODES does not name`, { status: 307 });
  return to;
}

const errorsSchema = z.object({ errors: z.array(z.string()) });
// Vault's words are short; whatever a proxy in between says is cut.
const WORDS_MAX = 200;

async function readAnswer(answer: Dispatcher.ResponseData, { method, path }: VaultRequest): Promise<unknown> {
  const status = answer.statusCode;
  const text = await readText(answer);
  if (status === 204) return undefined;
  const json = parseJson(text);
  if (status >= 200 && status < 300) {
    if (json === undefined) throw new VaultError(`${method} ${path}: the answer is no JSON`);
    return json;
  }
  const words = errorsSchema.safeParse(json).data?.errors.join('; ').slice(0, WORDS_MAX) ?? '';
  throw new VaultError(`${method} ${path}: ${status} ${words}`, {
    status,
    retryAfterMs: retryAfterMs(answer),
  });
}

async function readText({ body }: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('expected bytes');
      bytes += chunk.length;
      if (bytes > BODY_MAX_BYTES) throw new VaultError('the answer is too long to be Vault’s');
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof VaultError ? error : new VaultError(`Vault’s answer broke off: ${codeOf(error)}`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function retryAfterMs({ headers }: Dispatcher.ResponseData): number {
  const seconds = Number(headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
}

function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'unknown';
}
