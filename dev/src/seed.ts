import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { AuthServiceClient } from '@centra/proto/centra/auth/v1/auth.ts';
import { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { callUnary, serviceMetadata } from '@centra/service-kit/grpc.ts';
import { createSigner } from '@centra/service-kit/service-identity.ts';
import { z } from 'zod';
import type { Platform } from './platform.ts';

/** A hotel to play with: its id, its API key, and its own keys at both simulators. */
export type Hotel = { merchantId: string; apiKey: string; stripeKey: string; vaulteraKey: string };

const hotelSchema = z.object({
  merchantId: z.string(),
  apiKey: z.string(),
  stripeKey: z.string(),
  vaulteraKey: z.string(),
});

const SCOPES = [
  'payments:read',
  'payments:write',
  'refunds:write',
  'operations:read',
  'operations:settle',
  'provider_accounts:read',
  'provider_accounts:write',
  'api_keys:read',
  'api_keys:write',
];
const DEADLINE_MS = 10_000;

/** The demo hotel of this data folder: made at the first start, read back afterwards. */
export async function seedDemoHotel(platform: Platform, demoOrigin: string): Promise<Hotel> {
  const file = join(platform.dataDir, 'demo-hotel.json');
  if (existsSync(file)) return hotelSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const hotel = await createHotel(platform, { name: 'Riad Centra (demo)', origins: [demoOrigin] });
  // The API key is shown once, so a second start can only have it from here. Demo credentials: they open simulators.
  writeFileSync(file, JSON.stringify(hotel, null, 2), { mode: 0o600 });
  return hotel;
}

/** Onboards a hotel as an operator would, and connects its own Stripe and Vaultera accounts through the public door. */
export async function createHotel(
  platform: Platform,
  options: { name: string; origins?: readonly string[]; accounts?: boolean },
): Promise<Hotel> {
  const merchantId = await registerMerchant(platform, options.name, options.origins ?? []);
  const apiKey = await createApiKey(platform, merchantId);
  const stripeKey = `sk_test_${randomBytes(24).toString('hex')}`;
  const vaulteraKey = randomBytes(16).toString('hex');
  const hotel: Hotel = { merchantId, apiKey, stripeKey, vaulteraKey };
  await post(`${platform.stripeUrl}/_control/accounts`, {
    name: options.name,
    secret_key: stripeKey,
    raw_card_data: true,
  });
  await post(`${platform.vaulteraUrl}/_control/accounts`, { name: options.name, api_key: vaulteraKey });
  if (options.accounts === false) return hotel;
  const connect = async (provider: string, accountCredentials: object): Promise<unknown> =>
    await post(
      `${platform.gatewayUrl}/v1/provider-accounts`,
      { provider, mode: 'test', name: `${options.name}: ${provider}`, credentials: accountCredentials },
      apiKey,
    );
  const account = accountSchema.parse(await connect('stripe', { secret_key: stripeKey }));
  await connect('vaultera', { api_key: vaulteraKey });
  await subscribe(platform, hotel, account.id);
  return hotel;
}

const accountSchema = z.object({ id: z.string() });
const endpointSchema = z.object({ secret: z.string() });

/** Sets the webhook up as the hotel's staff would: made at Stripe, which tells its secret, and that saved with us. */
async function subscribe(platform: Platform, hotel: Hotel, accountId: string): Promise<void> {
  const url = `${platform.gatewayUrl}/v1/webhooks/stripe/${accountId}`;
  const answer = await fetch(`${platform.stripeUrl}/v1/webhook_endpoints`, {
    method: 'POST',
    headers: { authorization: `Bearer ${hotel.stripeKey}` },
    body: new URLSearchParams({ url, 'enabled_events[]': '*' }),
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const { secret } = endpointSchema.parse(await answer.json());
  await post(
    `${platform.gatewayUrl}/v1/provider-accounts/${accountId}/rotate`,
    { credentials: { secret_key: hotel.stripeKey, webhook_secret: secret } },
    hotel.apiKey,
  );
}

async function registerMerchant(
  platform: Platform,
  name: string,
  allowedOrigins: readonly string[],
): Promise<string> {
  const merchantId = randomUUID();
  const client = new MerchantServiceClient(platform.grpc.merchant, credentials.createInsecure());
  try {
    const request = {
      merchantId,
      name,
      country: 'MA',
      timeZone: 'Africa/Casablanca',
      defaultCurrency: 'EUR',
      allowedOrigins: [...allowedOrigins],
    };
    await callUnary(client.createMerchant.bind(client), request, operatorCall(platform, 'merchant'));
    return merchantId;
  } finally {
    client.close();
  }
}

/** The merchant's first key, with every scope unless told otherwise. */
export async function createApiKey(
  platform: Platform,
  merchantId: string,
  options: { scopes?: string[]; mode?: Mode } = {},
): Promise<string> {
  const client = new AuthServiceClient(platform.grpc.auth, credentials.createInsecure());
  try {
    const { secret } = await callUnary(
      client.createApiKey.bind(client),
      {
        merchantId,
        mode: options.mode ?? Mode.MODE_TEST,
        name: 'Seeded by the development platform',
        scopes: options.scopes ?? SCOPES,
        expiresAt: undefined,
      },
      operatorCall(platform, 'auth'),
    );
    return secret;
  } finally {
    client.close();
  }
}

function operatorCall(platform: Platform, audience: string): Parameters<typeof callUnary>[2] {
  const signer = createSigner('operator', platform.operatorKeyPem);
  return { metadata: serviceMetadata(signer, audience, 'seed'), deadlineMs: DEADLINE_MS };
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
