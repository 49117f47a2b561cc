import type { Provider } from '../provider-form.ts';

// PayPal documents no length; client ids and secrets are 80 characters today.
const PAYPAL_KEY = /^[0-9A-Za-z_-]{40,128}$/;

/** The REST app of a hotel's own business account. Neither spelling tells sandbox from live. */
export const PAYPAL = {
  name: 'paypal',
  label: 'PayPal',
  help: 'Lets guests pay with PayPal into your own business account.',
  kind: 'wallet',
  methods: ['paypal'],
  modes: ['test', 'live'],
  takesPayments: false,
  docsUrl: 'https://developer.paypal.com/api/rest/',
  descriptor: {
    min: 1,
    max: 22,
    pattern: /^[0-9A-Za-z.*\- ]{1,22}$/,
    shape:
      'must be at most 22 letters, digits, spaces, dots, dashes and stars; PayPal prints its own name before it',
  },
  fields: [
    {
      name: 'client_id',
      label: 'Client ID',
      help: 'In the PayPal developer dashboard under Apps & Credentials. Choose the Sandbox tab for test mode and the Live tab for live mode, then open your app.',
      secret: false,
      required: true,
      input: 'text',
      maxLength: 128,
      placeholder: 'A followed by about 79 letters, digits, - and _',
      pattern: PAYPAL_KEY,
      shape: 'must be a PayPal client ID: 40 to 128 letters, digits, dashes and underscores',
    },
    {
      name: 'client_secret',
      label: 'Secret',
      help: 'On the same page, under Secret key 1. It belongs to exactly this client ID.',
      secret: true,
      required: true,
      input: 'password',
      maxLength: 128,
      placeholder: 'E followed by about 79 letters, digits, - and _',
      pattern: PAYPAL_KEY,
      shape: 'must be a PayPal secret: 40 to 128 letters, digits, dashes and underscores',
    },
    {
      name: 'webhook_id',
      label: 'Webhook ID',
      help: 'On the page of your app under Webhooks. Needed to tell events of PayPal from forged ones.',
      secret: false,
      required: false,
      input: 'text',
      maxLength: 50,
      placeholder: '8PT597110X687430LKGECATA',
      pattern: /^[0-9A-Z]{8,50}$/,
      shape: 'must be the ID of a PayPal webhook: capital letters and digits',
    },
  ],
} as const satisfies Provider;
