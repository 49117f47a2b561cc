import type { ValidateAccessTokenResponse } from '@centra/proto/centra/auth/v1/auth.ts';
import { createPool } from '@centra/service-kit/database.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import { readKeyring } from '@centra/service-kit/keyring.ts';
import { createLog } from '@centra/service-kit/log.ts';
import type { Auth } from '../service.ts';
import { DEADLINE_MS } from '../test-service.ts';
import type { TestAuth } from '../test-service.ts';
import { createSigningKeys } from './signing-keys.ts';
import type { SigningKeys } from './signing-keys.ts';

export type TokenParts = {
  config: TestAuth['config'];
  signingKeys: SigningKeys;
  close(): Promise<void>;
};

/** Test only: what signs and verifies tokens, as one more replica beside the service. */
export async function startTokenParts(
  service: TestAuth,
  tokens: Partial<TestAuth['config']['tokens']> = {},
): Promise<TokenParts> {
  const log = createLog('auth', 'silent');
  const config = { ...service.config, tokens: { ...service.config.tokens, ...tokens } };
  const pool = createPool({ url: config.databaseUrl, max: 2, applicationName: 'auth-test', log });
  const keyring = await readKeyring(config.keyringFile, config);
  const signingKeys = createSigningKeys({ pool, keyring, log }, config.tokens);
  return {
    config,
    signingKeys,
    async close() {
      await signingKeys.stop();
      await pool.end();
    },
  };
}

/** ValidateAccessToken as the gateway calls it. Rejects with the raw ServiceError. */
export async function validateToken(
  service: TestAuth,
  token: string,
  replica?: Auth,
): Promise<ValidateAccessTokenResponse> {
  const client = service.client('api-gateway', replica);
  const options = { metadata: callMetadata('req-validate'), deadlineMs: DEADLINE_MS };
  return await callUnary(client.validateAccessToken.bind(client), { token }, options);
}
