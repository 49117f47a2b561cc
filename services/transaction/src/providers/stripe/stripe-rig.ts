import { randomUUID } from 'node:crypto';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import { send, startStripeSimulator, startVaulteraSimulator } from '../../testing/simulators.ts';
import type { JournalLine, StripeSimulator } from '../../testing/simulators.ts';
import { createCardVaults } from '../card-transport.ts';
import type { OpenedAccount } from '../provider-account.ts';
import type { ChargeAttempt, FollowUpAttempt, HostedAttempt, Provider } from '../provider.ts';
import { createVaultera } from '../vaultera/vaultera.ts';
import { createStripe } from './stripe.ts';

/** The adapter between the two simulators, for tests: no service and no database around it. */
export type StripeRig = {
  stripe: StripeSimulator;
  provider: Provider;
  /** A new sale of 125.00 EUR on a new hotel's account; the card by its number. */
  chargeAttempt(change?: Partial<ChargeAttempt>, number?: string): Promise<ChargeAttempt>;
  hostedAttempt(change?: Partial<HostedAttempt>): Promise<HostedAttempt>;
  /** A hold that Stripe has already given, with everything that can be asked for. */
  held(number?: string): Promise<{ attempt: ChargeAttempt; reference: string }>;
  /** The effects of that name on that payment, as Stripe's own record shows them. */
  effects(name: string, paymentIntent: string): Promise<JournalLine[]>;
  /** What a person or the bank does at Stripe, by the simulator's control. */
  control(path: string, body: unknown): Promise<void>;
  close(): Promise<void>;
};

export const CARDS = {
  approved: '4242424242424242',
  declined: '4000000000009995',
  challenged: '4000002760003184',
  refundPending: '4000000000007726',
  refundFails: '4000000000005126',
  noIncrement: '4000008400000076',
} as const;

export const ALL_EXTRAS = { multipleCapture: true, incremental: true, overcapture: true, extended: true };
const NO_EXTRAS = { multipleCapture: false, incremental: false, overcapture: false, extended: false };

/** `apiUrlOf` puts something between adapter and Stripe, for example a recorder. */
export async function startStripeRig(
  apiUrlOf: (stripeUrl: string) => Promise<string> | string = (url) => url,
): Promise<StripeRig> {
  const [stripe, vaultera] = await Promise.all([startStripeSimulator(), startVaulteraSimulator()]);
  const vault = createVaultera({ baseUrl: `${vaultera.url}/api/v1`, timeoutMs: 15_000 });
  const provider = createStripe({
    apiUrl: await apiUrlOf(stripe.url),
    // Long enough for a loaded machine.
    timeoutMs: 15_000,
    vaults: createCardVaults({ vaultera: vault }),
    failpoint: () => {},
  });
  const newAccount = async (): Promise<OpenedAccount> => {
    const secretKey = `sk_test_${randomUUID().replaceAll('-', '')}`;
    await stripe.account(secretKey);
    return opened('stripe', { secret_key: secretKey });
  };
  const chargeAttempt = async (
    change: Partial<ChargeAttempt> = {},
    number: string = CARDS.approved,
  ): Promise<ChargeAttempt> => {
    const { apiKey } = await vaultera.account();
    return {
      ...commonOf(await newAccount()),
      captureMethod: 'automatic',
      cardToken: await vaultera.card(apiKey, number),
      returnUrl: undefined,
      vaultAccount: opened('vaultera', { api_key: apiKey }),
      initiation: 'customer',
      originalNetworkTransactionId: undefined,
      extras: NO_EXTRAS,
      allowPartialApproval: false,
      ...change,
    };
  };
  return {
    stripe,
    provider,
    chargeAttempt,
    hostedAttempt: async (change = {}) => ({
      ...commonOf(await newAccount()),
      captureMethod: 'automatic',
      successUrl: 'https://hotel.example.com/paid',
      cancelUrl: 'https://hotel.example.com/left',
      expiresAt: new Date(Date.now() + 60 * 60_000),
      extras: NO_EXTRAS,
      ...change,
    }),
    async held(number) {
      const attempt = await chargeAttempt({ captureMethod: 'manual', extras: ALL_EXTRAS }, number);
      const outcome = await provider.charge(attempt);
      if (outcome.kind !== 'succeeded') throw new Error(`no hold but ${outcome.kind}`);
      return { attempt, reference: outcome.providerReference };
    },
    async effects(name, paymentIntent) {
      const lines = await stripe.journal('effect');
      return lines.filter((line) => line['effect'] === name && line['payment_intent'] === paymentIntent);
    },
    control: async (path, body) => void (await send('POST', `${stripe.url}/_control${path}`, body)),
    async close() {
      provider.close();
      await vault.close();
      await Promise.all([stripe.close(), vaultera.close()]);
    },
  };
}

function opened(provider: string, credentials: Record<string, string>): OpenedAccount {
  const secrets = Object.entries(credentials).map(([name, value]) => [name, new Secret(value)] as const);
  return { id: randomUUID(), version: 1, mode: 'test', provider, credentials: new Map(secrets) };
}

type Common = Pick<
  ChargeAttempt,
  | 'providerKey'
  | 'operationId'
  | 'paymentId'
  | 'money'
  | 'bookingReference'
  | 'createdAt'
  | 'account'
  | 'description'
  | 'guest'
>;

function commonOf(account: OpenedAccount): Common {
  return {
    ...operationOf(),
    paymentId: toPublicId('pay', newUuid()),
    money: { amountMinor: 12_500n, currency: 'EUR' },
    bookingReference: 'BK-1',
    account,
    description: 'Two nights',
    guest: { name: 'Ada Lovelace', email: 'ada@example.com' },
  };
}

function operationOf(): Pick<Common, 'operationId' | 'providerKey' | 'createdAt'> {
  const operationId = randomUUID();
  return { operationId, providerKey: `centra-${operationId}`, createdAt: new Date() };
}

/** A new operation on a payment of 125.00 EUR. */
export function followUpOf(
  { attempt, reference }: { attempt: Common; reference: string },
  kind: FollowUpAttempt['kind'],
  amountMinor: bigint,
  change: Partial<FollowUpAttempt> = {},
): FollowUpAttempt {
  return {
    ...attempt,
    ...operationOf(),
    kind,
    money: { amountMinor, currency: attempt.money.currency },
    paymentReference: reference,
    providerReference: undefined,
    before: { authorizedMinor: attempt.money.amountMinor, capturedMinor: 0n, refundedMinor: 0n },
    isFinal: true,
    reason: 'requested_by_customer',
    ...change,
  };
}
