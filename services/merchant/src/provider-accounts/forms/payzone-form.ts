import type { Provider } from '../provider-form.ts';

// Payzone documents no alphabet: anything that can stand in a header.
const PAYZONE_SECRET = /^[\x21-\x7e]{8,255}$/;

/**
 * The Paywall and its Charges API v3, which Payzone gives to new merchants. Its older gateway and payment page have other
 * credentials, no sandbox, and are not offered.
 */
export const PAYZONE = {
  name: 'payzone',
  label: 'Payzone',
  help: 'Takes Moroccan and foreign cards on the payment page of Payzone, in dirhams.',
  kind: 'hosted_page',
  methods: ['card_page'],
  modes: ['test', 'live'],
  takesPayments: false,
  docsUrl: null,
  fields: [
    {
      name: 'merchant_account',
      label: 'Merchant account',
      help: 'The account name in the letter in which Payzone sent your access data. It differs between test and live.',
      secret: false,
      required: true,
      input: 'text',
      maxLength: 64,
      placeholder: 'my_hotel',
      pattern: /^[0-9A-Za-z_.@-]{1,64}$/,
      shape: 'must be the name of a Payzone merchant account: letters, digits and . _ - @',
    },
    {
      name: 'caller_name',
      label: 'API caller name',
      help: 'The name of the API caller in the same letter, used to capture, refund and look payments up.',
      secret: false,
      required: true,
      input: 'text',
      maxLength: 64,
      placeholder: 'my_hotel_api',
      pattern: /^[\x21-\x7e]{1,64}$/,
      shape: 'must be 1 to 64 characters without spaces',
    },
    {
      name: 'caller_password',
      label: 'API caller password',
      help: 'The password of that API caller.',
      secret: true,
      required: true,
      input: 'password',
      maxLength: 255,
      placeholder: 'from the letter of Payzone',
      pattern: PAYZONE_SECRET,
      shape: 'must be 8 to 255 characters without spaces',
    },
    {
      name: 'paywall_secret_key',
      label: 'Paywall secret key',
      help: 'Signs the way to the payment page. The test connection cannot try it; the first payment does.',
      secret: true,
      required: true,
      input: 'password',
      maxLength: 255,
      placeholder: 'from the letter of Payzone',
      pattern: PAYZONE_SECRET,
      shape: 'must be 8 to 255 characters without spaces',
    },
    {
      name: 'notification_key',
      label: 'Notification key',
      help: 'Proves that a notice of payment comes from Payzone. The test connection cannot try it; the first payment does.',
      secret: true,
      required: true,
      input: 'password',
      maxLength: 255,
      placeholder: 'from the letter of Payzone',
      pattern: PAYZONE_SECRET,
      shape: 'must be 8 to 255 characters without spaces',
    },
  ],
} as const satisfies Provider;
