import { randomUUID } from 'node:crypto';
import { AccountKind } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { GetProviderAccountRequest } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { both, ends } from './attempt.ts';
import type { Attempt, Case } from './attempt.ts';
import { asService, asking, between } from './calls.ts';
import { OWNER_ORIGIN } from './world.ts';
import type { World } from './world.ts';

// The RPCs of merchant: hotels and the accounts that they brought; and what merchant asks transaction about those.

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

async function routing(world: World, merchantId: string): ReturnType<typeof asking> {
  const { merchant } = world.clients('transaction');
  return await asking(merchant.getRouting.bind(merchant), { merchantId, mode: MODE_TEST }, asService());
}

const uuidOf = (account: string): string => fromPublicId('pa', account) ?? account;

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
  // Nothing but who may call them stands between a caller and any hotel.
  between(`${MERCHANTS}/ReviewMerchant`, ['operator'], []),
  between(`${MERCHANTS}/ListMerchants`, ['operator'], []),
  between(
    `${MERCHANTS}/GetRouting`,
    ['transaction'],
    [
      {
        name: 'of the intruder: its own rules, and none of the owner’s accounts',
        ask: async (world) => await routing(world, world.intruder.merchantId),
        judge: both(ends('OK'), ({ text }, { owned }) =>
          text.includes('Intruding') && !text.includes(uuidOf(owned.simulatorAccount))
            ? undefined
            : `answered ${text.slice(0, 300)}`,
        ),
      },
      {
        name: 'of a hotel that is none',
        ask: async (world) => await routing(world, randomUUID()),
        judge: ends('NOT_FOUND not_found'),
      },
    ],
  ),
  between(`${MERCHANTS}/RotateDataKey`, ['operator'], []),
  between(
    `${MERCHANTS}/GetMerchant`,
    ['api-gateway', 'auth', 'payment-api', 'transaction', 'operator'],
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

const uses: readonly Case[] = [
  between(
    'centra.transaction.v1.TransactionService/CountAccountUse',
    ['merchant'],
    [
      {
        name: 'of the owner’s account for the intruder: none',
        ask: async (world) => await counting(world, intruderId(world)),
        judge: (seen) =>
          seen.text === '{"openOperations":0,"openHolds":0}' ? undefined : `answered ${seen.text}`,
      },
      {
        name: 'of the owner’s account for the owner: there are some',
        ask: async (world) => await counting(world, ownerId(world)),
        judge: both(ends('OK'), ({ text }) =>
          text.includes('"openHolds":0') ? `answered ${text}` : undefined,
        ),
      },
    ],
  ),
];

async function counting(world: World, merchantId: string): ReturnType<typeof asking> {
  const { transaction } = world.clients('merchant');
  const request = { merchantId, providerAccountId: uuidOf(world.owned.account), version: 1 };
  return await asking(transaction.countAccountUse.bind(transaction), request, asService());
}

export const settingsCalls: readonly Case[] = [...merchants, ...uses];
