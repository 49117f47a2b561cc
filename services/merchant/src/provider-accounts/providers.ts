import { CMI } from './forms/cmi-form.ts';
import { PAYPAL } from './forms/paypal-form.ts';
import { PAYZONE } from './forms/payzone-form.ts';
import { SIMULATOR } from './forms/simulator-form.ts';
import { STRIPE } from './forms/stripe-form.ts';
import { TEMPO } from './forms/tempo-form.ts';
import { VAULTERA } from './forms/vaultera-form.ts';
import type { Provider } from './provider-form.ts';

/** Every provider that a hotel can connect, as the form in the dashboard shows it. */
export const PROVIDERS = [
  STRIPE,
  PAYPAL,
  PAYZONE,
  CMI,
  TEMPO,
  VAULTERA,
  SIMULATOR,
] as const satisfies readonly Provider[];

export type ProviderName = (typeof PROVIDERS)[number]['name'];

/** The names, for schemas. */
export const PROVIDER_NAMES = PROVIDERS.map(({ name }): ProviderName => name);

/** A provider by name. Stored names are always known: an adapter is never removed while accounts use it. */
export function providerNamed(name: string): Provider {
  const provider: Provider | undefined = PROVIDERS.find((candidate) => candidate.name === name);
  if (provider === undefined) throw new Error(`provider ${name} is not known`);
  return provider;
}
