import type { Provider } from '../provider-form.ts';

export const VAULTERA = {
  name: 'vaultera',
  label: 'Vaultera',
  help: 'Keeps card numbers, so that neither you nor this platform has to.',
  kind: 'card_vault',
  methods: [],
  modes: ['test', 'live'],
  takesPayments: false,
  docsUrl: 'https://vaultera.co',
  fields: [
    {
      name: 'api_key',
      label: 'API key',
      help: 'The 32-character key from your Vaultera account. Use a secondary key, which can be revoked alone.',
      secret: true,
      required: true,
      input: 'password',
      maxLength: 32,
      placeholder: '32 hexadecimal characters',
      pattern: /^[0-9a-fA-F]{32}$/,
      shape: 'must be 32 hexadecimal characters (0 to 9, a to f)',
    },
  ],
} as const satisfies Provider;
