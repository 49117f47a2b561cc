import type { FieldError } from '@centra/service-kit/errors.ts';
import type { Settings } from './profile.ts';

/**
 * What a hotel must still say before it can be submitted; nothing missing is an empty list. `takesMoney`: whether an active
 * account at a provider that moves money is connected, in test or live mode.
 */
export function missingOf(settings: Settings, takesMoney: boolean): FieldError[] {
  const { profile, currencies } = settings;
  const { address } = profile;
  const demands: [isThere: boolean, field: string, reason: string][] = [
    [profile.legal_name !== null, 'profile.legal_name', 'The name that the business is registered under.'],
    [profile.business_type !== null, 'profile.business_type', 'What kind of house it is.'],
    [address.line1 !== null, 'profile.address.line1', 'The street and number of the house.'],
    [address.city !== null, 'profile.address.city', 'The town that it stands in.'],
    [address.country !== null, 'profile.address.country', 'The country that it stands in.'],
    [profile.phone !== null, 'profile.phone', 'A number where somebody of the hotel can be reached.'],
    [profile.email !== null, 'profile.email', 'An address where somebody of the hotel can be reached.'],
    [currencies.length > 0, 'currencies', 'At least one currency that the hotel accepts.'],
    [takesMoney, 'provider_accounts', 'A connected account at a provider that takes payments.'],
  ];
  return demands.filter(([isThere]) => !isThere).map(([, field, reason]) => ({ field, reason }));
}
