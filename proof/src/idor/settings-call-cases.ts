import { randomUUID } from 'node:crypto';
import { AccountKind } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { GetProviderAccountRequest } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { both, ends } from './attempt.ts';
import type { Attempt, Case } from './attempt.ts';
import { asService, asking, between } from './calls.ts';
import { OWNER_ORIGIN } from './world.ts';
import type { World } from './world.ts';

// The RPCs of auth and merchant: keys, hotels and the accounts that they brought.

const AUTH = 'centra.auth.v1.AuthService';
const REFUSED_KEY = ends('UNAUTHENTICATED unauthenticated');

function validating(name: string, secret: (world: World) => string, judge: Attempt['judge']): Attempt {
  return {
    name,
    ask: async (world) => {
      const { auth } = world.clients('api-gateway');
      const options = asService();
      return await asking(auth.validateApiKey.bind(auth), { secret: secret(world) }, options);
    },
    judge,
  };
}

const swapped = (secret: string): string =>
  secret.replace(/.{6}$/, (end) => (end === 'AAAAAA' ? 'BBBBBB' : 'AAAAAA'));

const keys: readonly Case[] = [
  between(
    `${AUTH}/ValidateApiKey`,
    ['api-gateway', 'payment-api'],
    [
      validating(
        'the intruder’s key is the intruder’s',
        ({ intruder }) => intruder.apiKey,
        (seen, { intruder }) =>
          seen.text.includes(intruder.merchantId) ? undefined : `answered ${seen.text}`,
      ),
      validating('the owner’s key with another end', ({ owner }) => swapped(owner.apiKey), REFUSED_KEY),
      validating(
        'the owner’s test key as a live one',
        ({ owner }) => owner.apiKey.replace('_test_', '_live_'),
        REFUSED_KEY,
      ),
      validating('the id of the owner’s key', ({ owned }) => owned.apiKey, REFUSED_KEY),
    ],
  ),
  between(`${AUTH}/WatchRevocations`, ['api-gateway', 'payment-api'], []),
  // A hotel's first key: nothing but who may call it stands between a caller and any hotel.
  between(`${AUTH}/CreateApiKey`, ['operator'], []),
];

const people: readonly Case[] = [
  between(
    `${AUTH}/ValidateAccessToken`,
    ['api-gateway'],
    [
      {
        name: 'the intruder’s token is the intruder’s, at the intruder’s hotel',
        ask: async (world) => await validatingToken(world, world.people.intruder.token),
        judge: both(ends('OK'), ({ text }, { intruder }) =>
          text.includes(intruder.merchantId) ? undefined : `answered ${text}`,
        ),
      },
      {
        name: 'the owner’s token with another end',
        ask: async (world) => await validatingToken(world, swapped(world.people.owner.token)),
        judge: REFUSED_KEY,
      },
    ],
  ),
  between(
    `${AUTH}/CheckPermission`,
    ['merchant', 'payment-api'],
    [
      {
        name: 'the intruder in person at the owner’s hotel',
        ask: async (world) => {
          const { auth } = world.clients('payment-api');
          const { userId } = world.people.intruder;
          const request = { userId, merchantId: world.owner.merchantId, permission: 'payments:read' };
          return await asking(auth.checkPermission.bind(auth), request, asService());
        },
        judge: (seen) =>
          seen.text === '{"allowed":false}' ? undefined : `answered ${seen.outcome} ${seen.text}`,
      },
    ],
  ),
  between(`${AUTH}/RecordKeyUsage`, ['api-gateway', 'payment-api'], []),
  between(
    `${AUTH}/SetMember`,
    ['merchant', 'operator'],
    [
      {
        name: 'a role of the owner’s at the intruder’s hotel',
        ask: async (world) => {
          const { auth } = world.clients('operator');
          const request = {
            merchantId: world.intruder.merchantId,
            person: { $case: 'userId' as const, value: world.people.both.userId },
            role: world.people.role,
            actor: 'service:operator',
          };
          return await asking(auth.setMember.bind(auth), request, asService());
        },
        judge: ends('NOT_FOUND not_found'),
      },
    ],
  ),
  // Nothing but who may call it stands between a caller and any hotel.
  between(`${AUTH}/SetMerchantAccess`, ['merchant', 'operator'], []),
  between(`${AUTH}/RotateSigningKey`, ['operator'], []),
];

async function validatingToken(world: World, token: string): ReturnType<typeof asking> {
  const { auth } = world.clients('api-gateway');
  return await asking(auth.validateAccessToken.bind(auth), { token }, asService());
}

const MERCHANTS = 'centra.merchant.v1.MerchantService';
const { MODE_TEST, MODE_LIVE } = Mode;

function opening(
  name: string,
  selector: (world: World) => GetProviderAccountRequest['selector'],
  whose: (world: World) => string,
  mode: Mode,
): Attempt {
  return {
    name,
    ask: async (world) => {
      const { merchant } = world.clients('transaction');
      const request = { merchantId: whose(world), mode, selector: selector(world) };
      return await asking(merchant.getProviderAccount.bind(merchant), request, asService());
    },
    judge: ends('NOT_FOUND not_found', 'FAILED_PRECONDITION provider_account_missing'),
  };
}

const byAccount = ({ owned }: World) => ({ $case: 'providerAccountId' as const, value: owned.account });
const byVersion = ({ owned }: World) => ({
  $case: 'accountVersion' as const,
  value: { providerAccountId: owned.account, version: 1 },
});
const byDefault = () => ({ $case: 'defaultOfKind' as const, value: AccountKind.ACCOUNT_KIND_CARD_PROVIDER });
const intruderId = ({ intruder }: World): string => intruder.merchantId;
const ownerId = ({ owner }: World): string => owner.merchantId;

const merchants: readonly Case[] = [
  between(
    `${MERCHANTS}/CreateMerchant`,
    ['operator'],
    [
      {
        name: 'by the operator, under the owner’s id with other words',
        ask: async (world) => {
          const { merchant } = world.clients('operator');
          const request = {
            merchantId: world.owner.merchantId,
            name: 'Hotel Intruder',
            country: 'MA',
            timeZone: 'Africa/Casablanca',
            defaultCurrency: 'EUR',
            allowedOrigins: ['https://intruder.example'],
          };
          return await asking(merchant.createMerchant.bind(merchant), request, asService());
        },
        judge: ends('ABORTED state_conflict'),
      },
    ],
  ),
  between(`${MERCHANTS}/SetMerchantLimits`, ['operator'], []),
  between(
    `${MERCHANTS}/GetMerchant`,
    ['api-gateway', 'payment-api', 'transaction', 'operator'],
    [
      {
        name: 'the intruder is told of itself only',
        ask: async (world) => {
          const { merchant } = world.clients('api-gateway');
          const request = { merchantId: world.intruder.merchantId };
          return await asking(merchant.getMerchant.bind(merchant), request, asService());
        },
        judge: both(ends('OK'), ({ text }) =>
          text.includes(OWNER_ORIGIN) ? 'it names the owner' : undefined,
        ),
      },
      {
        name: 'a hotel that is none',
        ask: async (world) => {
          const { merchant } = world.clients('api-gateway');
          const request = { merchantId: randomUUID() };
          return await asking(merchant.getMerchant.bind(merchant), request, asService());
        },
        judge: ends('NOT_FOUND not_found'),
      },
    ],
  ),
  between(
    `${MERCHANTS}/CheckOrigin`,
    ['api-gateway'],
    [
      {
        name: 'the owner’s page is not the intruder’s',
        ask: async (world) => {
          const { merchant } = world.clients('api-gateway');
          const request = { origin: OWNER_ORIGIN, merchantId: world.intruder.merchantId };
          return await asking(merchant.checkOrigin.bind(merchant), request, asService());
        },
        judge: (seen) =>
          seen.text === '{"allowed":false}' ? undefined : `answered ${seen.outcome} ${seen.text}`,
      },
    ],
  ),
  between(
    `${MERCHANTS}/GetProviderAccount`,
    ['transaction'],
    [
      opening('the owner’s account for the intruder', byAccount, intruderId, MODE_TEST),
      opening('the owner’s account for the intruder, in live mode', byAccount, intruderId, MODE_LIVE),
      opening('an earlier version of it for the intruder', byVersion, intruderId, MODE_TEST),
      opening('the owner’s account of test mode in live mode', byAccount, ownerId, MODE_LIVE),
      opening('an earlier version of it in live mode', byVersion, ownerId, MODE_LIVE),
      opening('the owner’s default of a mode that has none', byDefault, ownerId, MODE_LIVE),
      opening('the account for a hotel that is none', byAccount, () => randomUUID(), MODE_TEST),
    ],
  ),
  // It tells whose an account is, to the one service that then checks the signature; open-route-cases.ts signs wrongly.
  between(
    `${MERCHANTS}/ResolveProviderAccount`,
    ['transaction'],
    [
      {
        name: 'an account that is none',
        ask: async (world) => {
          const { merchant } = world.clients('transaction');
          const request = { providerAccountId: randomUUID() };
          const options = asService();
          return await asking(merchant.resolveProviderAccount.bind(merchant), request, options);
        },
        judge: ends('NOT_FOUND not_found'),
      },
    ],
  ),
];

export const settingsCalls: readonly Case[] = [...keys, ...people, ...merchants];
