import { dirname, join } from 'node:path';
import type { TlsFiles } from '@centra/service-kit/tls.ts';
import { tlsVariables } from '@centra/testkit/certificates.ts';

export type AppName = 'auth' | 'merchant' | 'payment-api' | 'transaction' | 'api-gateway';
/** Providers that can be connected and tested only; started when asked for. */
export type ExtraSimulator = 'paypal' | 'payzone' | 'tempo';
export type SimulatorName = 'stripe' | 'vaultera' | ExtraSimulator;
export type ServiceName = AppName | SimulatorName;

/** How a process is started: its program, all its variables, and where it answers 200 once it takes work. */
export type Plan = { script: string; env: Record<string, string>; readyUrl: string };

/** Where a process listens; 0 for a door that it does not have. */
export type OwnPorts = { http: number; grpc: number; ops: number };

export type KeyFiles = {
  privateKeyFile(service: string): string;
  trustedKeysFile: string;
  /** The certificate of a service, or of one of its callers. */
  tlsFiles(name: string): TlsFiles;
};

/** Where each part finds the others: their own ports, or whatever stands before them. */
export type Wiring = {
  authUrl: string;
  merchantUrl: string;
  paymentApiUrl: string;
  stripeUrl: string;
  vaulteraUrl: string;
  /** Those that run; nobody is asked in place of one that does not. */
  extraUrls?: Readonly<Record<ExtraSimulator, string>>;
  /** The public door, where guests are sent. */
  gatewayUrl: string;
  /** host:port of each gRPC door. */
  authGrpc: string;
  merchantGrpc: string;
  transactionGrpc: string;
  /** Undefined: limits are counted in each gateway. */
  redisUrl: string | undefined;
  /** postgres://… by service. */
  databaseUrls: Readonly<Record<string, string>>;
  /** Name to ops port of whose readiness the gateway tells. */
  opsPorts: Readonly<Record<string, number>>;
  keys: KeyFiles;
  keyringFile: string;
  /** Where auth puts its mails, for lack of a mail server. */
  maildir: string;
};

/** Every variable of one service, in this one place for every platform that is started by us. */
export function planService(name: AppName, ports: OwnPorts, wiring: Wiring): Plan {
  return {
    script: `services/${name}/src/main.ts`,
    env: {
      NODE_ENV: 'development',
      HTTP_PORT: String(ports.http),
      GRPC_PORT: String(ports.grpc),
      OPS_PORT: String(ports.ops),
      DATABASE_URL: wiring.databaseUrls[name] ?? '',
      TRUSTED_KEYS_FILE: wiring.keys.trustedKeysFile,
      ...tlsVariables(wiring.keys.tlsFiles(name)),
      AUTH_GRPC_ADDRESS: wiring.authGrpc,
      MERCHANT_GRPC_ADDRESS: wiring.merchantGrpc,
      TRANSACTION_GRPC_ADDRESS: wiring.transactionGrpc,
      ...ownVariables(name, wiring),
    },
    readyUrl: ready(ports.ops),
  };
}

function ownVariables(name: AppName, wiring: Wiring): Record<string, string> {
  switch (name) {
    case 'auth':
      return {
        // Its own: neither service could open what the other one sealed.
        KEYRING_FILE: join(dirname(wiring.keyringFile), 'auth-keyring.json'),
        REDIS_URL: wiring.redisUrl ?? '',
        MAILDIR: wiring.maildir,
      };
    case 'payment-api':
      return { SIGNING_KEY_FILE: wiring.keys.privateKeyFile(name) };
    case 'merchant':
      return { KEYRING_FILE: wiring.keyringFile };
    case 'transaction':
      return {
        STRIPE_API_URL: wiring.stripeUrl,
        VAULTERA_BASE_URL: `${wiring.vaulteraUrl}/api/v1`,
        ...checkVariables(wiring.extraUrls ?? NOWHERE),
        SIMULATOR_CHALLENGE_URL: `${wiring.gatewayUrl}/v1/simulator/challenges`,
      };
    case 'api-gateway':
      return {
        SIGNING_KEY_FILE: wiring.keys.privateKeyFile(name),
        AUTH_URL: wiring.authUrl,
        MERCHANT_URL: wiring.merchantUrl,
        PAYMENT_API_URL: wiring.paymentApiUrl,
        REDIS_URL: wiring.redisUrl ?? '',
        PUBLIC_DOCS: 'true',
        HEALTH_TARGETS: Object.entries(wiring.opsPorts)
          .map(([target, port]) => `${target}=${ready(port)}`)
          .join(','),
      };
    default:
      throw new Error(`${String(name satisfies never)} is not a service`);
  }
}

// Port 1 refuses at once: no test and no developer's machine ever asks a real provider.
const NOWHERE = { paypal: local(1), payzone: local(1), tempo: local(1) };

/** Each simulator stands for both hosts of its provider, as two paths. */
function checkVariables(urls: Readonly<Record<ExtraSimulator, string>>): Record<string, string> {
  return {
    PAYPAL_API_URL: `${urls.paypal}/live`,
    PAYPAL_SANDBOX_API_URL: `${urls.paypal}/sandbox`,
    PAYZONE_API_URL: `${urls.payzone}/live`,
    PAYZONE_SANDBOX_API_URL: `${urls.payzone}/sandbox`,
    CMI_API_URL: `${urls.payzone}/cmi-live`,
    CMI_TEST_API_URL: `${urls.payzone}/cmi-test`,
    TEMPO_RPC_URL: `${urls.tempo}/mainnet`,
    TEMPO_TESTNET_RPC_URL: `${urls.tempo}/testnet`,
  };
}

/** A provider simulator with its journal in a folder of its own below `folder`. */
export function planSimulator(name: SimulatorName, port: number, folder: string): Plan {
  return {
    script: `simulators/${name}/src/main.ts`,
    env: {
      NODE_ENV: 'development',
      PORT: String(port),
      DATA_DIR: join(folder, name),
      // Only Stripe's has pages for guests.
      ...(name === 'stripe' ? { PUBLIC_URL: local(port) } : {}),
    },
    readyUrl: `${local(port)}/_control/faults`,
  };
}

/** The loopback URL of a port. */
export function local(port: number): string {
  return `http://127.0.0.1:${port}`;
}

function ready(port: number): string {
  return `${local(port)}/ready`;
}
