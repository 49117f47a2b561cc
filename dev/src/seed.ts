import { randomBytes, randomUUID } from 'node:crypto';
import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { callMetadata, callUnary, createClient } from '@centra/service-kit/grpc.ts';
import { loadTls } from '@centra/service-kit/grpc-credentials.ts';
import { createLog } from '@centra/service-kit/log.ts';
import { SCOPES } from '@centra/service-kit/permissions.ts';
import type { TlsFiles } from '@centra/service-kit/tls.ts';
import type { ChannelOptions } from '@grpc/grpc-js';
import { z } from 'zod';

/** A hotel to play with: its id, its API key, and its own keys at both simulators. */
export type Hotel = { merchantId: string; apiKey: string; stripeKey: string; vaulteraKey: string };

/** What onboarding and taking payments needs to know of a platform. */
export type Doors = {
  gatewayUrl: string;
  /** Where a provider sends its webhooks when that is not the public door itself. */
  webhooksUrl?: string;
  stripeUrl: string;
  vaulteraUrl: string;
  grpc: Readonly<Record<'auth' | 'merchant', string>>;
  /** The certificate of a service, or of one of its callers. */
  tlsFiles(name: string): TlsFiles;
};

const DEADLINE_MS = 10_000;

type HotelOptions = {
  name: string;
  origins?: readonly string[];
  /** Who moves its money: its own Stripe account, or the simulator that is built in. */
  provider?: 'stripe' | 'simulator';
  /** False leaves its accounts at the simulators unconnected. */
  accounts?: boolean;
};

/** Onboards a hotel as an operator would, and connects its own accounts through the public door. */
export async function createHotel(
  doors: Doors,
  options: HotelOptions,
): Promise<Hotel & { stripeAccount: string }> {
  const { name, provider = 'stripe', accounts = true } = options;
  const merchantId = await registerMerchant(doors, name, options.origins ?? []);
  const hotel: Hotel = {
    merchantId,
    apiKey: await createApiKey(doors, merchantId),
    stripeKey: `sk_test_${randomBytes(24).toString('hex')}`,
    vaulteraKey: randomBytes(16).toString('hex'),
  };
  const known = { name, secret_key: hotel.stripeKey, raw_card_data: true };
  const [stripe] = await Promise.all([
    post(`${doors.stripeUrl}/_control/accounts`, known),
    post(`${doors.vaulteraUrl}/_control/accounts`, { name, api_key: hotel.vaulteraKey }),
  ]);
  if (accounts) await connectAccounts(doors, hotel, name, provider);
  return { ...hotel, stripeAccount: accountSchema.parse(stripe).id };
}

async function connectAccounts(
  doors: Doors,
  hotel: Hotel,
  name: string,
  provider: 'stripe' | 'simulator',
): Promise<void> {
  const connect = async (kind: string, accountCredentials: object): Promise<unknown> =>
    await post(
      `${doors.gatewayUrl}/v1/provider-accounts`,
      { provider: kind, mode: 'test', name: `${name}: ${kind}`, credentials: accountCredentials },
      hotel.apiKey,
    );
  if (provider === 'simulator') await connect('simulator', {});
  else {
    const account = accountSchema.parse(await connect('stripe', { secret_key: hotel.stripeKey }));
    await subscribe(doors, hotel, account.id);
  }
  await connect('vaultera', { api_key: hotel.vaulteraKey });
}

const accountSchema = z.object({ id: z.string() });
const endpointSchema = z.object({ secret: z.string() });

/** Sets the webhook up as the hotel's staff would: made at Stripe, which tells its secret, and that saved with us. */
async function subscribe(doors: Doors, hotel: Hotel, accountId: string): Promise<void> {
  const url = `${doors.webhooksUrl ?? doors.gatewayUrl}/v1/webhooks/stripe/${accountId}`;
  const answer = await fetch(`${doors.stripeUrl}/v1/webhook_endpoints`, {
    method: 'POST',
    headers: { authorization: `Bearer ${hotel.stripeKey}` },
    body: new URLSearchParams({ url, 'enabled_events[]': '*' }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const { secret } = endpointSchema.parse(await answer.json());
  await post(
    `${doors.gatewayUrl}/v1/provider-accounts/${accountId}/rotate`,
    { credentials: { secret_key: hotel.stripeKey, webhook_secret: secret } },
    hotel.apiKey,
  );
}

async function registerMerchant(
  doors: Doors,
  name: string,
  allowedOrigins: readonly string[],
): Promise<string> {
  const merchantId = randomUUID();
  const client = asOperator(doors, MerchantServiceClient, 'merchant');
  try {
    const request = {
      merchantId,
      name,
      country: 'MA',
      timeZone: 'Africa/Casablanca',
      defaultCurrency: 'EUR',
      allowedOrigins: [...allowedOrigins],
    };
    await callUnary(client.createMerchant.bind(client), request, operatorCall());
    return merchantId;
  } finally {
    client.close();
  }
}

/** The merchant's first key, with every scope unless told otherwise. */
export async function createApiKey(
  doors: Doors,
  merchantId: string,
  options: { scopes?: readonly string[]; mode?: Mode } = {},
): Promise<string> {
  const request = {
    merchantId,
    mode: options.mode ?? Mode.MODE_TEST,
    name: 'Seeded by the development platform',
    scopes: [...(options.scopes ?? SCOPES)],
    expiresAt: undefined,
  };
  return await askAuth(doors, async (client, call) => {
    const { secret } = await callUnary(client.createApiKey.bind(client), request, call);
    return secret;
  });
}

/** Asks auth as the operator, who onboards hotels. */
export async function askAuth<T>(
  doors: Doors,
  ask: (client: AuthServiceClient, call: OperatorCall) => Promise<T>,
): Promise<T> {
  const client = asOperator(doors, AuthServiceClient, 'auth');
  try {
    return await ask(client, operatorCall());
  } finally {
    client.close();
  }
}

type OperatorCall = Parameters<typeof callUnary>[2];

function operatorCall(): OperatorCall {
  return { metadata: callMetadata('seed'), deadlineMs: DEADLINE_MS };
}

/** A client with the operator's certificate. */
function asOperator<C>(
  doors: Doors,
  Client: Parameters<typeof createClient<C>>[0],
  server: 'auth' | 'merchant',
): C {
  return clientOf(doors, 'operator', Client, { address: doors.grpc[server], server });
}

/** A client with the certificate of that caller. */
export function clientOf<C>(
  doors: Pick<Doors, 'tlsFiles'>,
  caller: string,
  Client: Parameters<typeof createClient<C>>[0],
  to: { address: string; server: string; options?: Partial<ChannelOptions> },
): C {
  const tls = loadTls(doors.tlsFiles(caller), { name: caller, log: createLog(caller) });
  // What was read holds for as long as such a client lives.
  tls.close();
  return createClient(Client, to.address, { tls, ...to });
}

/** Posts JSON; throws with the answer's own words when it is refused. */
export async function post(
  url: string,
  body: object,
  apiKey?: string,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      ...headers,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`POST ${new URL(url).pathname} answered ${answer.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
