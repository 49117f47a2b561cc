import type { Mode } from '../../entities.ts';
import type { Provider } from '../provider-form.ts';

// Stripe documents no length; live keys are about 107 characters, and this leaves room.
const STRIPE_SECRET = /^(?:sk|rk)_(?:test|live)_[0-9A-Za-z_]{8,240}$/;
const STRIPE_PUBLISHABLE = /^pk_(?:test|live)_[0-9A-Za-z_]{8,240}$/;
const STRIPE_WEBHOOK_SECRET = /^whsec_[0-9A-Za-z+/=_-]{8,240}$/;
const STRIPE_MAX = 248;

function stripeModeOf(key: string): Mode | undefined {
  const word = key.split('_')[1];
  return word === 'test' || word === 'live' ? word : undefined;
}

export const STRIPE = {
  name: 'stripe',
  label: 'Stripe',
  help: 'Takes card payments with your own Stripe account.',
  kind: 'card_provider',
  methods: ['card', 'card_page'],
  modes: ['test', 'live'],
  takesPayments: true,
  docsUrl: 'https://docs.stripe.com/keys',
  descriptor: {
    min: 5,
    max: 22,
    // Latin letters, at least one; Stripe refuses the six characters < > \ ' " and *.
    pattern: /^(?=.*[A-Za-z])[ !#$%&()+,\-./0-9:;=?@A-Z[\]^_`a-z{|}~]{5,22}$/,
    shape: 'must be 5 to 22 Latin characters with at least one letter, without < > \\ \' " *',
  },
  fields: [
    {
      name: 'secret_key',
      label: 'Secret key',
      help: 'In the Stripe dashboard under Developers, API keys. A restricted key needs write access to PaymentIntents, PaymentMethods, Refunds and Checkout Sessions, and read access to Accounts and Disputes.',
      secret: true,
      required: true,
      input: 'password',
      maxLength: STRIPE_MAX,
      placeholder: 'sk_test_… or sk_live_…',
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
      input: 'text',
      maxLength: STRIPE_MAX,
      placeholder: 'pk_test_… or pk_live_…',
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
      input: 'password',
      maxLength: STRIPE_MAX,
      placeholder: 'whsec_…',
      pattern: STRIPE_WEBHOOK_SECRET,
      shape: 'must be the signing secret of a Stripe webhook endpoint: whsec_…',
    },
  ],
} as const satisfies Provider;
