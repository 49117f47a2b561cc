import { generateKeyPairSync } from 'node:crypto';

export type ServiceKeys = {
  /** Service name to its private key, PEM. */
  privateKeys: Record<string, string>;
  /** JSON Web Key Set of all public keys, `kid` = service name. */
  trustedKeys: string;
};

/** Every name that may sign: the services, and the operator who onboards hotels. */
export const SIGNERS = ['api-gateway', 'auth', 'merchant', 'payment-api', 'transaction', 'operator'] as const;

/** Fresh ES256 keys for each signer. */
export function createServiceKeys(names: readonly string[] = SIGNERS): ServiceKeys {
  const privateKeys: Record<string, string> = {};
  const keys: object[] = [];
  for (const name of names) {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    privateKeys[name] = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    keys.push({ ...pair.publicKey.export({ format: 'jwk' }), kid: name, alg: 'ES256', use: 'sig' });
  }
  return { privateKeys, trustedKeys: JSON.stringify({ keys }) };
}
