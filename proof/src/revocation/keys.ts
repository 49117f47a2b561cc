import { Agent, request } from 'undici';
import { z } from 'zod';

export type Key = { id: string; secret: string };

const keySchema = z.object({ id: z.string(), secret: z.string() });
const TIMEOUT_MS = 20_000;

/** The keys of one hotel, managed with a key that stays. */
export type KeyDesk = {
  make(name: string): Promise<Key>;
  /** Resolves when the answer has come; throws unless the key was revoked. */
  revoke(key: Key): Promise<void>;
  close(): Promise<void>;
};

export function openKeyDesk(door: string, managerKey: string): KeyDesk {
  const agent = new Agent();
  const ask = async (method: 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> => {
    const answer = await request(`${door}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${managerKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      dispatcher: agent,
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text);
  };
  return {
    make: async (name) =>
      keySchema.parse(
        await ask('POST', '/v1/api-keys', { name, scopes: ['payments:read', 'payments:write'] }),
      ),
    revoke: async ({ id }) => void (await ask('DELETE', `/v1/api-keys/${id}`)),
    close: async () => await agent.destroy(),
  };
}
