import type { Config } from '../config.ts';
import type { Provider } from './provider.ts';
import { createCardVaults } from './card-transport.ts';
import type { CardVault } from './card-transport.ts';
import { createPool } from '@centra/service-kit/database.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { createSimulator } from './simulator/simulator.ts';
import type { SimulatorChallenges } from './simulator/simulator-challenges.ts';
import { createStripe } from './stripe/stripe.ts';
import { createVaultera } from './vaultera/vaultera.ts';
import { createCmiCheck } from './cmi/check-cmi.ts';
import type { CredentialChecker } from './credential-check.ts';
import { createPaypalCheck } from './paypal/check-paypal.ts';
import { createPayzoneCheck } from './payzone/check-payzone.ts';
import { createTempoCheck } from './tempo/check-tempo.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import type { OpenedAccount } from './provider-account.ts';

export type Providers = {
  /** The adapter of that name; a name we do not know is a refusal, not a crash. */
  choose(name: string): Provider;
  vault(account: OpenedAccount): CardVault;
  /** The built-in simulator's pages. */
  challenges: SimulatorChallenges;
  /** Whether credentials of that provider or vault work. */
  checkCredentials: (
    name: string,
    mode: 'test' | 'live',
    credentials: ReadonlyMap<string, string>,
  ) => ReturnType<Provider['checkCredentials']>;
  close(): Promise<void>;
};

// Enough for training and development; more would only queue inside Postgres.
const SIMULATOR_POOL_MAX = 4;

/** All adapters of this process. The only switch on provider names. */
export function createProviders(config: Config, log: Logger): Providers {
  const vaultera = createVaultera({ baseUrl: config.vaulteraBaseUrl, timeoutMs: config.providerTimeoutMs });
  const vaults = createCardVaults({ vaultera });
  const stripe = createStripe({
    apiUrl: config.stripeApiUrl,
    timeoutMs: config.providerTimeoutMs,
    vaults,
    failpoint: config.failpoint,
  });
  // Connections of its own, made when first used: a bank takes none of ours.
  const pool = createPool({
    url: config.databaseUrl,
    max: SIMULATOR_POOL_MAX,
    applicationName: 'transaction-simulator',
    log,
  });
  const simulator = createSimulator({ vaults, pool, challengeUrl: config.simulatorChallengeUrl });
  const checkers = createCheckers(config);
  const choose = (name: string): Provider => {
    switch (name) {
      case 'stripe':
        return stripe;
      case 'simulator':
        return simulator;
      default:
        throw new AppError('provider_account_missing', { detail: `The provider ${name} takes no charges.` });
    }
  };
  return {
    choose,
    challenges: simulator.challenges,
    vault: (account) => vaults.open(account),
    checkCredentials: async (name, mode, credentials) =>
      await (name === 'vaultera' ? vaultera : (checkers.get(name) ?? choose(name))).checkCredentials(
        mode,
        credentials,
      ),
    close: async () => {
      await Promise.all([...checkers.values()].map(async (checker) => await checker.close()));
      await vaultera.close();
      stripe.close();
      await pool.end();
    },
  };
}

/** Those that can be connected and tested, and take no charges in this release. */
function createCheckers({
  checkUrls: urls,
  providerTimeoutMs: timeoutMs,
}: Config): Map<string, CredentialChecker> {
  return new Map([
    ['paypal', createPaypalCheck({ urls: urls.paypal, timeoutMs })],
    ['payzone', createPayzoneCheck({ urls: urls.payzone, timeoutMs })],
    ['cmi', createCmiCheck({ urls: urls.cmi, timeoutMs })],
    ['tempo', createTempoCheck({ urls: urls.tempo, timeoutMs })],
  ]);
}
