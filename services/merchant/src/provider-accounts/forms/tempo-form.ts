import { flawOfReceivingAddress } from '../chain-address.ts';
import type { FieldOption, Provider } from '../provider-form.ts';

/** The tokens that may be received, by their address: symbols are not unique on a chain. */
export const TEMPO_TOKENS = [
  { value: '0x20c0000000000000000000000000000000000000', label: 'pathUSD', modes: ['test', 'live'] },
  { value: '0x20c0000000000000000000000000000000000001', label: 'AlphaUSD (testnet)', modes: ['test'] },
  { value: '0x20c0000000000000000000000000000000000002', label: 'BetaUSD (testnet)', modes: ['test'] },
  { value: '0x20c0000000000000000000000000000000000003', label: 'ThetaUSD (testnet)', modes: ['test'] },
  { value: '0x20C000000000000000000000b9537d11c60E8b50', label: 'USDC.e (bridged USDC)', modes: ['live'] },
  { value: '0x20C00000000000000000000014f22CA97301EB73', label: 'USDT0', modes: ['live'] },
] as const satisfies readonly FieldOption[];

/** Receiving needs an address and no key at all. The chain follows from the mode. */
export const TEMPO = {
  name: 'tempo',
  label: 'Tempo stablecoins',
  help: 'Receives dollar stablecoins on the Tempo network at an address of your own. Test mode is the Moderato testnet.',
  kind: 'stablecoin',
  methods: ['stablecoin'],
  modes: ['test', 'live'],
  takesPayments: false,
  docsUrl: 'https://docs.tempo.xyz',
  fields: [
    {
      name: 'receiving_address',
      label: 'Receiving address',
      help: 'An address that only you hold the key of. Copy it from your wallet: what is sent to a wrong address is lost. Never enter a private key or recovery phrase here.',
      secret: false,
      required: true,
      input: 'address',
      maxLength: 42,
      placeholder: '0x followed by 40 hexadecimal characters',
      pattern: /^0x[0-9a-fA-F]{40}$/,
      shape: 'must be an address: 0x and 40 hexadecimal characters (0 to 9, a to f)',
      flawOf: flawOfReceivingAddress,
    },
    {
      name: 'token',
      label: 'Token',
      help: 'The stablecoin you want to receive. For a second one connect another account.',
      secret: false,
      required: true,
      input: 'select',
      maxLength: 42,
      placeholder: '',
      pattern: /^0x[0-9a-fA-F]{40}$/,
      shape: 'must be one of the tokens offered',
      options: TEMPO_TOKENS,
    },
  ],
} as const satisfies Provider;
