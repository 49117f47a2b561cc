import { callMetadata, callUnary, fromServiceError, isServiceError } from '@centra/service-kit/grpc.ts';
import { CERTIFIED } from '@centra/testkit/certificates.ts';
import type { CertifiedName } from '@centra/testkit/certificates.ts';
import { Metadata, status } from '@grpc/grpc-js';
import { ends } from './attempt.ts';
import type { Attempt, Case, Seen } from './attempt.ts';
import type { World } from './world.ts';

type Options = { metadata: Metadata; deadlineMs: number };
// As long as the slowest sale that is allowed to be slow.
const DEADLINE_MS = 60_000;

/** As a service of ours, which its certificate names. */
export function asService(): Options {
  return { metadata: callMetadata('req_idor'), deadlineMs: DEADLINE_MS };
}

/** As a hotel, with its own key. */
export function withKey(apiKey: string): Options {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${apiKey}`);
  return { metadata, deadlineMs: DEADLINE_MS };
}

/** Makes the call and tells how it ended. */
export async function asking<Req, Res>(
  method: Parameters<typeof callUnary<Req, Res>>[0],
  request: Req,
  options: Options,
): Promise<Seen> {
  return await tell(toText(request), async () => toText(await callUnary(method, request, options)));
}

async function tell(sent: string, ask: () => Promise<string>): Promise<Seen> {
  try {
    return { outcome: 'OK', code: '', text: await ask(), sent };
  } catch (error) {
    if (!isServiceError(error)) throw error;
    const { code } = fromServiceError(error);
    return { outcome: status[error.code] ?? String(error.code), code, text: error.details, sent };
  }
}

function toText(message: unknown): string {
  return JSON.stringify(message, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}

const SERVICES = {
  'centra.auth.v1.AuthService': 'auth',
  'centra.merchant.v1.MerchantService': 'merchant',
  'centra.payment.v1.PaymentService': 'payment-api',
  'centra.transaction.v1.TransactionService': 'transaction',
} as const;
export type ServiceName = (typeof SERVICES)[keyof typeof SERVICES];

const CLIENTS = {
  auth: 'auth',
  merchant: 'merchant',
  'payment-api': 'payment',
  transaction: 'transaction',
} as const;

function serviceOf(of: string): ServiceName {
  const service = Object.entries(SERVICES).find(([name]) => of.startsWith(`${name}/`))?.[1];
  if (service === undefined) throw new Error(`${of} belongs to a service that this table does not know`);
  return service;
}

const unread = (bytes: Buffer): Buffer => bytes;

/** The call with no message in it: who may not call is refused before anything is read. */
async function bare(
  world: World,
  of: string,
  caller: CertifiedName,
  { metadata }: Options = asService(),
): Promise<Seen> {
  const client = world.clients(caller)[CLIENTS[serviceOf(of)]];
  return await tell('', async () => {
    const answer = await new Promise<Buffer | undefined>((resolve, reject) => {
      client.makeUnaryRequest(
        `/${of}`,
        unread,
        unread,
        Buffer.alloc(0),
        metadata,
        { deadline: Date.now() + DEADLINE_MS },
        (error, reply) => (error === null ? resolve(reply) : reject(error)),
      );
    });
    return answer?.toString('latin1') ?? '';
  });
}

const UNAUTHENTICATED = ends('UNAUTHENTICATED unauthenticated');

/** An RPC between our services: whoever is not on its list is refused, and so is every hotel's own credential. */
export function between(of: string, callers: readonly CertifiedName[], attempts: readonly Attempt[]): Case {
  const service = serviceOf(of);
  const strangers = CERTIFIED.filter((name) => !callers.includes(name));
  const [stranger = 'booking-api'] = strangers;
  // A stream is refused without our trailer, by its status alone.
  const isStream = of.endsWith('/WatchRevocations');
  const denied = isStream ? ends('PERMISSION_DENIED internal') : ends('PERMISSION_DENIED forbidden');
  // Nothing in the metadata makes a caller of somebody whose certificate does not.
  const bearer = (name: string, token: (world: World) => string): Attempt => ({
    name,
    ask: async (world) => await bare(world, of, stranger, withKey(token(world))),
    judge: denied,
  });
  return {
    of,
    attempts: [
      ...strangers.map((name): Attempt => ({
        name: `called by ${name}`,
        ask: async (world) => await bare(world, of, name),
        judge: denied,
      })),
      bearer('with the key of another hotel', ({ intruder }) => intruder.apiKey),
      bearer('with the owner’s own key', ({ owner }) => owner.apiKey),
      bearer('with the gateway’s token', (world) => world.signer('api-gateway').serviceToken(service)),
      bearer('with what the gateway vouches for a hotel', (world) =>
        world.signer('api-gateway').identityToken(service, {
          merchantId: world.owner.merchantId,
          mode: 'test',
          actor: 'api_key:key_x',
          scopes: ['payments:write'],
        }),
      ),
      ...attempts,
    ],
  };
}

const NOT_FOUND = ends('NOT_FOUND not_found');

/**
 * An RPC for hotels, by their own keys through the booking API: the intruder's keys of both modes, and the owner's of the other mode, find nothing;
 * without a key, or with a token of our services, there is nobody.
 */
export function forHotels(
  of: string,
  ask: (world: World, options: Options) => Promise<Seen>,
  { foreign = NOT_FOUND, acts }: { foreign?: Attempt['judge']; acts?: true } = {},
  more: readonly Attempt[] = [],
): Case {
  const attempts: Attempt[] = [
    {
      name: 'with the key of another hotel',
      ask: async (world) => await ask(world, withKey(world.intruder.apiKey)),
      judge: foreign,
      ...(acts === true ? { acts } : {}),
    },
    {
      name: 'with the live key of another hotel',
      ask: async (world) => await ask(world, withKey(world.intruder.liveKey)),
      judge: foreign,
      ...(acts === true ? { acts } : {}),
    },
    {
      name: 'without a credential',
      ask: async (world) => await ask(world, { metadata: new Metadata(), deadlineMs: DEADLINE_MS }),
      judge: UNAUTHENTICATED,
    },
    {
      name: 'with a token of the gateway',
      ask: async (world) =>
        await ask(world, withKey(world.signer('api-gateway').serviceToken('payment-api'))),
      judge: UNAUTHENTICATED,
    },
    ...CERTIFIED.filter((name) => name !== 'booking-api').map((name): Attempt => ({
      name: `called by ${name} with the owner’s own key`,
      ask: async (world) => await bare(world, of, name, withKey(world.owner.apiKey)),
      judge: ends('PERMISSION_DENIED forbidden'),
    })),
    ...more,
  ];
  // What it would make there is the owner's own.
  if (acts !== true)
    attempts.push({
      name: 'with the owner’s own key of the other mode',
      ask: async (world) => await ask(world, withKey(world.owner.liveKey)),
      judge: foreign,
      asOwner: true,
    });
  return { of, attempts };
}
