import type { AccountKind, Mode } from '../entities.ts';

/** One thing that a provider asks a hotel for. */
export type ProviderField = {
  name: string;
  /** What staff see beside the box, and below it. */
  label: string;
  help: string;
  /** Sealed, never shown again; else shown as it is. */
  secret: boolean;
  required: boolean;
  pattern: RegExp;
  /** The pattern in words. */
  shape: string;
  /** The mode that a value belongs to, where its spelling tells. */
  modeOf?: (value: string) => Mode | undefined;
};

export type Provider = {
  name: string;
  label: string;
  help: string;
  kind: AccountKind;
  modes: readonly Mode[];
  fields: readonly ProviderField[];
};

// Stripe documents no length; live keys are about 107 characters, and this leaves room.
const STRIPE_SECRET = /^(?:sk|rk)_(?:test|live)_[0-9A-Za-z_]{8,240}$/;
const STRIPE_PUBLISHABLE = /^pk_(?:test|live)_[0-9A-Za-z_]{8,240}$/;
const STRIPE_WEBHOOK_SECRET = /^whsec_[0-9A-Za-z+/=_-]{8,240}$/;

function stripeModeOf(key: string): Mode | undefined {
  const word = key.split('_')[1];
  return word === 'test' || word === 'live' ? word : undefined;
}

/** Every provider that a hotel can connect, as the form in the dashboard shows it. */
export const PROVIDERS = [
  {
    name: 'stripe',
    label: 'Stripe',
    help: 'Takes card payments with your own Stripe account.',
    kind: 'card_provider',
    modes: ['test', 'live'],
    fields: [
      {
        name: 'secret_key',
        label: 'Secret key',
        help: 'In the Stripe dashboard under Developers, API keys. A restricted key needs write access to PaymentIntents, PaymentMethods, Refunds and Checkout Sessions, and read access to Accounts and Disputes.',
        secret: true,
        required: true,
        pattern: STRIPE_SECRET,
        shape: 'must be a Stripe secret or restricted key: sk_test_…, sk_live_…, rk_test_… or rk_live_…',
        modeOf: stripeModeOf,
      },
      {
        name: 'publishable_key',
        label: 'Publishable key',
        help: 'On the same page; it is not a secret. Only needed for pages that use Stripe in the browser.',
        secret: false,
        required: false,
        pattern: STRIPE_PUBLISHABLE,
        shape: 'must be a Stripe publishable key: pk_test_… or pk_live_…',
        modeOf: stripeModeOf,
      },
      {
        name: 'webhook_secret',
        label: 'Webhook signing secret',
        help:
          'Lets Stripe tell at once what happened, also refunds and disputes made in its own dashboard. Save the account first: ' +
          'its webhook_path names its id. In the Stripe dashboard under Developers, Webhooks, add an endpoint with the URL ' +
          'https://<your API host>/v1/webhooks/stripe/<account id> and all events of Payment Intent, Charge (with ' +
          'charge.dispute), Refund and Checkout. Then paste its signing secret here.',
        secret: true,
        required: false,
        pattern: STRIPE_WEBHOOK_SECRET,
        shape: 'must be the signing secret of a Stripe webhook endpoint: whsec_…',
      },
    ],
  },
  {
    name: 'vaultera',
    label: 'Vaultera',
    help: 'Keeps card numbers, so that neither you nor this platform has to.',
    kind: 'card_vault',
    modes: ['test', 'live'],
    fields: [
      {
        name: 'api_key',
        label: 'API key',
        help: 'The 32-character key from your Vaultera account. Use a secondary key, which can be revoked alone.',
        secret: true,
        required: true,
        pattern: /^[0-9a-fA-F]{32}$/,
        shape: 'must be 32 hexadecimal characters (0 to 9, a to f)',
      },
    ],
  },
  {
    name: 'simulator',
    label: 'Simulator',
    help: 'Pretends to be a bank, for development and training. Moves no money.',
    kind: 'card_provider',
    modes: ['test'],
    fields: [],
  },
] as const satisfies readonly Provider[];

export type ProviderName = (typeof PROVIDERS)[number]['name'];

/** The names, for schemas. */
export const PROVIDER_NAMES = PROVIDERS.map(({ name }): ProviderName => name);

/** A provider by name. Stored names are always known: an adapter is never removed while accounts use it. */
export function providerNamed(name: string): Provider {
  const provider = PROVIDERS.find((candidate) => candidate.name === name);
  if (provider === undefined) throw new Error(`provider ${name} is not known`);
  return provider;
}
