import { join } from 'node:path';
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import type { KeyFiles, PlatformOptions, Ports } from './platform.ts';

export type ServiceName =
  | 'stripe'
  | 'vaultera'
  | 'auth'
  | 'merchant'
  | 'payment-api'
  | 'transaction'
  | 'api-gateway';

type Parts = {
  options: PlatformOptions;
  ports: Ports;
  keys: KeyFiles;
  databaseUrls: Readonly<Record<string, string>>;
  logFolder: string;
  redisUrl: string | undefined;
};

export type Services = {
  child(name: ServiceName): Child;
  pids(): number[];
  /** The door first, then inwards, so that what is under way can finish. */
  stop(): Promise<void>;
};

const STOP_ORDER: readonly ServiceName[] = [
  'api-gateway',
  'payment-api',
  'merchant',
  'transaction',
  'auth',
  'vaultera',
  'stripe',
];

/** Starts every process at once; each waits by itself for those it needs. */
export async function startServices(parts: Parts): Promise<Services> {
  const children = new Map<ServiceName, Child>();
  const start = async ([name, plan]: [ServiceName, Plan]): Promise<void> => {
    const { options, logFolder } = parts;
    children.set(
      name,
      await startChild({
        name,
        script: plan.script,
        env: { NODE_ENV: 'development', ...plan.env, ...options.env?.[name] },
        logFolder,
        readyUrl: plan.readyUrl,
        onCrash:
          options.onCrash ??
          ((crashed, code, signal) => options.say(`${crashed} ended (${signal ?? code}).`)),
      }),
    );
  };
  const results = await Promise.allSettled(
    Object.entries(plans(parts)).map(async ([name, plan]) => await start([toName(name), plan])),
  );
  const stop = async (): Promise<void> => {
    for (const name of STOP_ORDER) await children.get(name)?.stop();
  };
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return {
    child(name) {
      const child = children.get(name);
      if (child === undefined) throw new Error(`${name} is not running`);
      return child;
    },
    pids: () => [...children.values()].map((child) => child.pid()),
    stop,
  };
}

function toName(name: string): ServiceName {
  const found = STOP_ORDER.find((known) => known === name);
  if (found === undefined) throw new Error(`${name} is not a service`);
  return found;
}

function local(port: number): string {
  return `http://127.0.0.1:${port}`;
}

function ready(port: number): string {
  return `${local(port)}/ready`;
}

function script(name: string): string {
  return `services/${name}/src/main.ts`;
}

type Plan = { script: string; env: Record<string, string>; readyUrl: string };

function plans({ options, ports, keys, databaseUrls, redisUrl }: Parts): Record<ServiceName, Plan> {
  const { dataDir } = options;
  const service = (
    name: string,
    httpPort: number,
    grpcPort: number,
    opsPort: number,
  ): Record<string, string> => ({
    HTTP_PORT: String(httpPort),
    GRPC_PORT: String(grpcPort),
    OPS_PORT: String(opsPort),
    DATABASE_URL: databaseUrls[name] ?? '',
    TRUSTED_KEYS_FILE: keys.trustedKeysFile,
    SIGNING_KEY_FILE: keys.privateKeyFile(name),
    AUTH_GRPC_ADDRESS: `127.0.0.1:${ports.authGrpc}`,
    MERCHANT_GRPC_ADDRESS: `127.0.0.1:${ports.merchantGrpc}`,
    TRANSACTION_GRPC_ADDRESS: `127.0.0.1:${ports.transactionGrpc}`,
  });
  return {
    stripe: {
      script: 'simulators/stripe/src/main.ts',
      env: {
        PORT: String(ports.stripe),
        DATA_DIR: join(dataDir, 'simulators', 'stripe'),
        PUBLIC_URL: local(ports.stripe),
      },
      readyUrl: `${local(ports.stripe)}/_control/faults`,
    },
    vaultera: {
      script: 'simulators/vaultera/src/main.ts',
      env: { PORT: String(ports.vaultera), DATA_DIR: join(dataDir, 'simulators', 'vaultera') },
      readyUrl: `${local(ports.vaultera)}/_control/faults`,
    },
    auth: {
      script: script('auth'),
      env: service('auth', ports.auth, ports.authGrpc, ports.authOps),
      readyUrl: ready(ports.authOps),
    },
    merchant: {
      script: script('merchant'),
      env: {
        ...service('merchant', ports.merchant, ports.merchantGrpc, ports.merchantOps),
        KEYRING_FILE: join(dataDir, 'keys', 'keyring.json'),
      },
      readyUrl: ready(ports.merchantOps),
    },
    transaction: {
      script: script('transaction'),
      env: {
        ...service('transaction', 0, ports.transactionGrpc, ports.transactionOps),
        STRIPE_API_URL: local(ports.stripe),
        VAULTERA_BASE_URL: `${local(ports.vaultera)}/api/v1`,
        SIMULATOR_CHALLENGE_URL: `${local(ports.gateway)}/v1/simulator/challenges`,
      },
      readyUrl: ready(ports.transactionOps),
    },
    'payment-api': {
      script: script('payment-api'),
      env: service('payment-api', ports.paymentApi, ports.paymentApiGrpc, ports.paymentApiOps),
      readyUrl: ready(ports.paymentApiOps),
    },
    'api-gateway': {
      script: script('api-gateway'),
      env: {
        ...service('api-gateway', ports.gateway, 0, ports.gatewayOps),
        AUTH_URL: local(ports.auth),
        MERCHANT_URL: local(ports.merchant),
        PAYMENT_API_URL: local(ports.paymentApi),
        REDIS_URL: redisUrl ?? '',
        PUBLIC_DOCS: 'true',
        HEALTH_TARGETS: [
          `auth=${ready(ports.authOps)}`,
          `merchant=${ready(ports.merchantOps)}`,
          `payment-api=${ready(ports.paymentApiOps)}`,
          `transaction=${ready(ports.transactionOps)}`,
        ].join(','),
      },
      readyUrl: ready(ports.gatewayOps),
    },
  };
}
