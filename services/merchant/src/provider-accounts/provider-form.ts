import type { AccountKind, Mode } from '../entities.ts';
import type { DescriptorRule } from '../merchants/statement-descriptor.ts';

/** How guests pay: with a card we are given, on the provider's own card page, with PayPal, or with a stablecoin. */
export type PaymentMethod = 'card' | 'card_page' | 'paypal' | 'stablecoin';
export const PAYMENT_METHODS = [
  'card',
  'card_page',
  'paypal',
  'stablecoin',
] as const satisfies readonly PaymentMethod[];

export type FieldOption = { value: string; label: string; modes: readonly Mode[] };

/** One thing that a provider asks a hotel for; a form is drawn from it alone. */
export type ProviderField = {
  name: string;
  /** What staff see beside the box, and below it. */
  label: string;
  help: string;
  /** Sealed, never shown again; else shown as it is. */
  secret: boolean;
  required: boolean;
  input: 'text' | 'password' | 'select' | 'url' | 'address';
  /** Characters; the pattern allows no more either. */
  maxLength: number;
  /** What a value looks like; never one that works. */
  placeholder: string;
  pattern: RegExp;
  /** The pattern in words. */
  shape: string;
  /** What a `select` offers, and in which modes. */
  options?: readonly FieldOption[];
  /** The mode that a value belongs to, where its spelling tells. */
  modeOf?: (value: string) => Mode | undefined;
  /** What is wrong with a value of the right pattern, in words; undefined when nothing is. */
  flawOf?: (value: string) => string | undefined;
};

export type Provider = {
  name: string;
  label: string;
  help: string;
  kind: AccountKind;
  methods: readonly PaymentMethod[];
  modes: readonly Mode[];
  fields: readonly ProviderField[];
  /** Absent where the hotel cannot choose the text on the statement. */
  descriptor?: DescriptorRule;
  /** Whether this release takes payments through it; the others can be connected and tested ahead. */
  takesPayments: boolean;
  /** Public documentation of its credentials. */
  docsUrl: string | null;
};
