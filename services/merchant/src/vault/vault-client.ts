import type { Logger } from '@centra/service-kit/log.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { z } from 'zod';
import { createLogIn } from './log-in.ts';
import { createSender } from './retry.ts';
import { startSession } from './session.ts';
import { createTransport } from './transport.ts';
import type { VaultRequest } from './transport.ts';
import type { VaultConfig } from './vault-config.ts';
import { VaultError } from './vault-error.ts';

/** Vault as we use it: calls with our own token. */
export type VaultClient = {
  /** One call; `operation` names it in the metrics. VaultError when it is refused or there is no answer of this form. */
  call<T>(operation: string, asked: Omit<VaultRequest, 'token'>, schema: z.ZodType<T>): Promise<T>;
  /** True once a log-in worked. */
  hasLoggedIn(): boolean;
  close(): Promise<void>;
};

/** Logs in by AppRole at once, in the background; a Vault that is away delays nothing but the calls that need it. */
export function createVaultClient(
  config: VaultConfig,
  { log, metrics }: { log: Logger; metrics: Pick<Metrics, 'clientSeconds'> },
): VaultClient {
  const transport = createTransport(config);
  const sender = createSender(transport);
  const session = startSession({ logIn: createLogIn(config, sender), sender, log });
  const measured = async (operation: string, work: () => Promise<unknown>): Promise<unknown> => {
    const end = metrics.clientSeconds.startTimer({ target: 'vault', method: operation });
    try {
      const answer = await work();
      end({ status: 'ok' });
      return answer;
    } catch (error) {
      end({ status: error instanceof VaultError ? String(error.status ?? 'no answer') : 'error' });
      throw error;
    }
  };
  /** 403 is also Vault's word for an expired or revoked token: one log-in, and the call once more. */
  const send = async (asked: VaultRequest): Promise<unknown> => {
    const token = await session.token();
    try {
      return await sender.send({ ...asked, token });
    } catch (error) {
      if (!(error instanceof VaultError) || error.status !== 403) throw error;
      return await sender.send({ ...asked, token: await session.tokenAfter(token) });
    }
  };
  return {
    async call(operation, asked, schema) {
      const parsed = schema.safeParse(await measured(operation, () => send(asked)));
      if (!parsed.success) throw new VaultError(`${operation}: Vault’s answer has an unknown form`);
      return parsed.data;
    },
    hasLoggedIn: () => session.hasLoggedIn(),
    async close() {
      session.close();
      await transport.close();
    },
  };
}
