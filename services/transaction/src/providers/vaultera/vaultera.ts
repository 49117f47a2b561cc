import { Agent, request } from 'undici';
import { z } from 'zod';
import { AppError } from '@centra/service-kit/errors.ts';
import { credential } from '../provider-account.ts';
import type { CardReply, CardTemplate, CardVault, VaultClient } from '../card-transport.ts';
import type { CredentialResult } from '../provider.ts';
import { ownErrorOf, summaryOfCard, wasNotSent } from './vaultera-mapping.ts';

type Options = { baseUrl: string; timeoutMs: number };

// A vault answer of ours is a few kilobytes of provider JSON; more is not one.
const REPLY_MAX_BYTES = 1024 * 1024;
// The vault does not publish how long a session lives [A]; pages are told a little less than its shortest known life.
const SESSION_LIFETIME_MS = 15 * 60_000;

/** Client of the Vaultera PCI proxy. The API key travels in the query, so URLs are never logged. */
export function createVaultera(options: Options): VaultClient {
  const agent = new Agent({ connections: 64, keepAliveTimeout: 30_000 });
  return {
    open: (account) => openVault(options, agent, credential(account, 'api_key').reveal()),
    async checkCredentials(_mode, credentials) {
      return await checkKey(options, agent, credentials.get('api_key') ?? '');
    },
    close: () => agent.close(),
  };
}

function openVault(options: Options, agent: Agent, apiKey: string): CardVault {
  const call = async (method: 'GET' | 'POST', path: string, query: Record<string, string>, init: Init = {}) =>
    await callVault(options, agent, apiKey, { method, path, query, ...init });
  return {
    name: 'vaultera',
    async createSession() {
      const reply = await call('POST', '/session_tokens', {}, json({ session_token: { scope: 'card' } }));
      const token = sessionSchema.safeParse(tryJson(reply.body)).data?.data.attributes.session_token;
      if (token === undefined) throw vaultUnavailable(reply);
      return {
        sessionToken: token,
        iframeUrl: `${options.baseUrl}/capture_form?session_token=${encodeURIComponent(token)}`,
        iframeOrigin: new URL(options.baseUrl).origin,
        expiresAt: new Date(Date.now() + SESSION_LIFETIME_MS),
      };
    },
    send: async (cardToken, template) => await sendTemplate(options, agent, apiKey, cardToken, template),
    async describe(cardToken) {
      const reply = await call('GET', `/cards/${encodeURIComponent(cardToken)}`, {});
      if (reply.status === 404) return undefined;
      const card = summaryOfCard(tryJson(reply.body));
      if (reply.status !== 200 || card === undefined) throw vaultUnavailable(reply);
      return card;
    },
    async wipeServiceCode(cardToken) {
      const reply = await call('POST', `/cards/${encodeURIComponent(cardToken)}/authorize`, {});
      // A card that is gone has no code either.
      return reply.status === 404 || (reply.status >= 200 && reply.status < 300);
    },
  };
}

const sessionSchema = z.object({
  data: z.object({ attributes: z.object({ session_token: z.string().min(1) }) }),
});

type Init = { headers?: Readonly<Record<string, string>>; body?: string };
type Call = { method: 'GET' | 'POST'; path: string; query: Record<string, string> } & Init;
type Reply = { status: number; headers: Record<string, string>; body: string };

function json(value: unknown): Init {
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

async function callVault(options: Options, agent: Agent, apiKey: string, call: Call): Promise<Reply> {
  const query = new URLSearchParams({ api_key: apiKey, ...call.query });
  const reply = await request(`${options.baseUrl}${call.path}?${query.toString()}`, {
    dispatcher: agent,
    method: call.method,
    headers: call.headers ?? {},
    body: call.body ?? null,
    signal: AbortSignal.timeout(options.timeoutMs),
  });
  return { status: reply.statusCode, headers: plainHeaders(reply.headers), body: await readText(reply.body) };
}

function plainHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > REPLY_MAX_BYTES) throw new Error('the answer through the vault is larger than 1 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function sendTemplate(
  options: Options,
  agent: Agent,
  apiKey: string,
  cardToken: string,
  template: CardTemplate,
): Promise<CardReply> {
  let reply: Reply;
  try {
    reply = await callVault(options, agent, apiKey, {
      method: 'POST',
      path: `/cards/${encodeURIComponent(cardToken)}/send`,
      query: { method: template.method.toLowerCase(), url: template.url },
      headers: template.headers,
      body: template.body,
    });
  } catch (error) {
    return {
      kind: 'lost',
      detail: error instanceof Error ? error.message : 'no answer',
      surelyNotSent: wasNotSent(error),
    };
  }
  const own = ownErrorOf(reply.status, reply.body);
  if (own === undefined) return { kind: 'reply', ...reply };
  return own;
}

async function checkKey(options: Options, agent: Agent, apiKey: string): Promise<CredentialResult> {
  const unreachable: CredentialResult = {
    result: 'unreachable',
    message: 'Vaultera could not be reached. Nothing was saved; please try again in a few minutes.',
    accountName: '',
  };
  try {
    // Opening a capture session is what this key is for, and it changes nothing.
    const reply = await callVault(options, agent, apiKey, {
      method: 'POST',
      path: '/session_tokens',
      query: {},
      ...json({ session_token: { scope: 'card' } }),
    });
    if (reply.status === 401 || reply.status === 403)
      return {
        result: 'rejected',
        message: 'Vaultera does not know this API key. Copy it again from your Vaultera account.',
        accountName: '',
      };
    if (sessionSchema.safeParse(tryJson(reply.body)).success)
      return { result: 'ok', message: 'Vaultera accepts this key.', accountName: 'Vaultera' };
    return unreachable;
  } catch {
    return unreachable;
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function vaultUnavailable(reply: Reply): AppError {
  if (reply.status === 401 || reply.status === 403)
    return new AppError('provider_account_missing', {
      detail: 'The card vault does not accept the saved API key any more.',
      internal: `vaultera answered ${reply.status}`,
    });
  return new AppError('provider_unreachable', {
    retryAfterSeconds: 2,
    internal: `vaultera answered ${reply.status}`,
  });
}
