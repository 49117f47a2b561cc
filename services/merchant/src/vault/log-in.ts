import { readFile } from 'node:fs/promises';
import { Secret } from '@centra/service-kit/secret.ts';
import { z } from 'zod';
import type { Sender } from './retry.ts';
import type { VaultConfig } from './vault-config.ts';
import { VaultError } from './vault-error.ts';

/** A token and how long it is good for, seconds. */
export type Login = { token: Secret; leaseS: number; renewable: boolean };

/** Logs in by AppRole. */
export type LogIn = () => Promise<Login>;

const authSchema = z.object({
  auth: z.object({
    client_token: z.string().min(1),
    lease_duration: z.int().min(0),
    renewable: z.boolean(),
  }),
});
const unwrappedSchema = z.object({ data: z.object({ secret_id: z.string().min(1) }) });

/**
 * Role id and secret id are read from their files each time: a secret id may be limited in time and uses, and whoever delivers a new one
 * only replaces the file.
 */
export function createLogIn(config: VaultConfig, sender: Sender): LogIn {
  let unwrapped: { by: string; secretId: Secret } | undefined;
  /** A wrapping token gives its secret id out once, so what it gave is kept until another token lies there. */
  const unwrap = async (wrappingToken: Secret): Promise<Secret> => {
    const by = wrappingToken.reveal();
    if (unwrapped?.by === by) return unwrapped.secretId;
    const answer = await sender.send({ method: 'POST', path: 'sys/wrapping/unwrap', token: wrappingToken });
    const secretId = new Secret(parse(unwrappedSchema, answer).data.secret_id);
    unwrapped = { by, secretId };
    return secretId;
  };
  return async () => {
    const roleId = await readSecret('VAULT_ROLE_ID_FILE', config.roleIdFile);
    const delivered = await readSecret('VAULT_SECRET_ID_FILE', config.secretIdFile);
    const secretId = config.secretIdWrapped ? await unwrap(delivered) : delivered;
    return toLogin(
      await sender.send({
        method: 'POST',
        path: `auth/${config.authMount}/login`,
        body: { role_id: roleId.reveal(), secret_id: secretId.reveal() },
      }),
    );
  };
}

/** Reads the `auth` part of a log-in's or renewal's answer. */
export function toLogin(answer: unknown): Login {
  const { auth } = parse(authSchema, answer);
  return { token: new Secret(auth.client_token), leaseS: auth.lease_duration, renewable: auth.renewable };
}

/** VaultError for an answer of another form; the parser's own words may quote it, so they are left out. */
function parse<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (!parsed.success) throw new VaultError('Vault’s answer has an unknown form');
  return parsed.data;
}

async function readSecret(variable: string, path: string): Promise<Secret> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    throw new VaultError(`${variable} names a file that cannot be read`);
  }
  if (text.trim() === '') throw new VaultError(`${variable} names an empty file`);
  return new Secret(text.trim());
}
