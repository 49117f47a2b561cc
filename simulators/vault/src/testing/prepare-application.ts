import { z } from 'zod';

/** What an operator does once before an application can wrap its keys: AppRole, transit, a key, a policy and a role. */
export type Application = { roleId: string; secretId: string; key: string; mount: string };

export type ApplicationOptions = {
  key?: string;
  mount?: string;
  /** Fields of the role, for example `token_ttl`. */
  role?: Record<string, unknown>;
  /** In place of the policy that lets it encrypt, decrypt and read the key. */
  policy?: string;
};

/** Prepares a running server over its own API, as its root. Safe to repeat. */
export async function prepareApplication(
  vault: { url: string; rootToken: string },
  { key = 'hotel-keys', mount = 'transit', role = {}, policy }: ApplicationOptions = {},
): Promise<Application> {
  await ask(vault, 'POST', `sys/mounts/${mount}`, { type: 'transit' }, [204, 400]);
  await ask(vault, 'POST', 'sys/auth/approle', { type: 'approle' }, [204, 400]);
  await ask(vault, 'POST', `${mount}/keys/${key}`, {}, [200]);
  await ask(vault, 'POST', 'sys/policies/acl/merchant', { policy: policy ?? policyFor(mount, key) }, [204]);
  await ask(
    vault,
    'POST',
    'auth/approle/role/merchant',
    { token_policies: ['merchant'], token_ttl: 3600, ...role },
    [204],
  );
  const { role_id: roleId } = z
    .object({ role_id: z.string() })
    .parse(await ask(vault, 'GET', 'auth/approle/role/merchant/role-id', undefined, [200]));
  return { roleId, secretId: await newSecretId(vault), key, mount };
}

/** A further secret id of the role. */
export async function newSecretId(
  vault: { url: string; rootToken: string },
  limits: { ttl?: number; num_uses?: number } = {},
): Promise<string> {
  const data = await ask(vault, 'POST', 'auth/approle/role/merchant/secret-id', limits, [200]);
  return z.object({ secret_id: z.string() }).parse(data).secret_id;
}

/** No `create`, so that a slip in the key's name makes no key. */
export function policyFor(mount: string, key: string): string {
  return `
path "${mount}/encrypt/${key}" { capabilities = ["update"] }
path "${mount}/decrypt/${key}" { capabilities = ["update"] }
path "${mount}/keys/${key}" { capabilities = ["read"] }
`;
}

/** One request as root; answers `data`. Throws for a status that is not among the expected. */
export async function ask(
  { url, rootToken }: { url: string; rootToken: string },
  method: 'GET' | 'POST',
  path: string,
  body: unknown,
  expected: readonly number[],
): Promise<unknown> {
  const response = await fetch(`${url}/v1/${path}`, {
    method,
    headers: { 'x-vault-token': rootToken },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!expected.includes(response.status)) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : z.object({ data: z.unknown().optional() }).parse(JSON.parse(text)).data;
}

/** One request to the simulator's control endpoints. */
export async function control(url: string, path: string, body: unknown = {}): Promise<unknown> {
  const response = await fetch(`${url}/_control/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}
