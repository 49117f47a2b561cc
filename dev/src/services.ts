import { join } from 'node:path';
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import { local, planService, planSimulator } from './plan.ts';
import type { AppName, KeyFiles, Plan, ServiceName, Wiring } from './plan.ts';
import type { PlatformOptions, Ports } from './platform.ts';

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
  /** How it was started, for another one like it. */
  plan(name: ServiceName): Plan;
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
  'paypal',
  'payzone',
  'tempo',
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
        env: { ...plan.env, ...options.env?.[name] },
        logFolder,
        readyUrl: plan.readyUrl,
        onCrash:
          options.onCrash ??
          ((crashed, code, signal) => options.say(`${crashed} ended (${signal ?? code}).`)),
      }),
    );
  };
  const planned = plans(parts);
  const results = await Promise.allSettled(
    Object.entries(planned).map(async ([name, plan]) => await start([toName(name), plan])),
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
    plan(name) {
      const plan = planned[name];
      if (plan === undefined) throw new Error(`${name} is not part of this platform`);
      return plan;
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

function plans({ options, ports, keys, databaseUrls, redisUrl }: Parts): Partial<Record<ServiceName, Plan>> {
  const { dataDir } = options;
  const simulators = join(dataDir, 'simulators');
  const wiring: Wiring = {
    authUrl: local(ports.auth),
    merchantUrl: local(ports.merchant),
    paymentApiUrl: local(ports.paymentApi),
    stripeUrl: local(ports.stripe),
    vaulteraUrl: local(ports.vaultera),
    ...(options.extraSimulators === true
      ? {
          extraUrls: {
            paypal: local(ports.paypal),
            payzone: local(ports.payzone),
            tempo: local(ports.tempo),
          },
        }
      : {}),
    gatewayUrl: local(ports.gateway),
    authGrpc: `127.0.0.1:${ports.authGrpc}`,
    merchantGrpc: `127.0.0.1:${ports.merchantGrpc}`,
    transactionGrpc: `127.0.0.1:${ports.transactionGrpc}`,
    redisUrl,
    databaseUrls,
    opsPorts: {
      auth: ports.authOps,
      merchant: ports.merchantOps,
      'payment-api': ports.paymentApiOps,
      transaction: ports.transactionOps,
    },
    keys,
    keyringFile: join(dataDir, 'keys', 'keyring.json'),
    maildir: join(dataDir, 'mail'),
  };
  const service = (name: AppName, http: number, grpc: number, ops: number): Plan =>
    planService(name, { http, grpc, ops }, wiring);
  return {
    stripe: planSimulator('stripe', ports.stripe, simulators),
    vaultera: planSimulator('vaultera', ports.vaultera, simulators),
    ...(options.extraSimulators === true
      ? {
          paypal: planSimulator('paypal', ports.paypal, simulators),
          payzone: planSimulator('payzone', ports.payzone, simulators),
          tempo: planSimulator('tempo', ports.tempo, simulators),
        }
      : {}),
    auth: service('auth', ports.auth, ports.authGrpc, ports.authOps),
    merchant: service('merchant', ports.merchant, ports.merchantGrpc, ports.merchantOps),
    transaction: service('transaction', 0, ports.transactionGrpc, ports.transactionOps),
    'payment-api': service('payment-api', ports.paymentApi, ports.paymentApiGrpc, ports.paymentApiOps),
    'api-gateway': service('api-gateway', ports.gateway, 0, ports.gatewayOps),
  };
}
