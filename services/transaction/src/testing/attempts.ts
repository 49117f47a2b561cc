import { randomUUID } from 'node:crypto';
import { newUuid, toPublicId } from '@centra/service-kit/ids.ts';
import { Secret } from '@centra/service-kit/secret.ts';
import type { OpenedAccount } from '../providers/provider-account.ts';
import type { Attempt, ChargeAttempt, FollowUpAttempt, HostedAttempt } from '../providers/provider.ts';

/** An account as the merchant service opens it. */
export function opened(id: string, provider: string, credentials: Record<string, string>): OpenedAccount {
  const secrets = Object.entries(credentials).map(([name, value]) => [name, new Secret(value)] as const);
  return { id, version: 1, mode: 'test', provider, credentials: new Map(secrets) };
}

export const NO_EXTRAS = { multipleCapture: false, incremental: false, overcapture: false, extended: false };
export const ALL_EXTRAS = { multipleCapture: true, incremental: true, overcapture: true, extended: true };

function newAttempt(account: OpenedAccount): Attempt {
  const operationId = randomUUID();
  return {
    providerKey: `centra-${operationId}`,
    operationId,
    paymentId: toPublicId('pay', newUuid()),
    money: { amountMinor: 12_500n, currency: 'EUR' },
    bookingReference: 'BK-1',
    createdAt: new Date(),
    account,
  };
}

const GUEST = { name: 'Ada Lovelace', email: 'ada@example.com' };

/** A new sale of 125.00 EUR with a key of its own. */
export function newCharge(
  account: OpenedAccount,
  cardToken: string,
  change: Partial<ChargeAttempt> = {},
): ChargeAttempt {
  return {
    ...newAttempt(account),
    captureMethod: 'automatic',
    cardToken,
    description: 'Two nights',
    guest: GUEST,
    returnUrl: undefined,
    vaultAccount: undefined,
    initiation: 'customer',
    originalNetworkTransactionId: undefined,
    extras: NO_EXTRAS,
    allowPartialApproval: false,
    ...change,
  };
}

export function newHosted(account: OpenedAccount, change: Partial<HostedAttempt> = {}): HostedAttempt {
  return {
    ...newAttempt(account),
    captureMethod: 'automatic',
    description: 'Two nights',
    guest: GUEST,
    successUrl: 'https://hotel.example.com/paid',
    cancelUrl: 'https://hotel.example.com/not-paid',
    expiresAt: new Date(Date.now() + 60 * 60_000),
    extras: NO_EXTRAS,
    ...change,
  };
}

/** A new operation with a key of its own on a payment that the provider knows. */
export function newFollowUp(
  charge: Attempt,
  paymentReference: string,
  kind: FollowUpAttempt['kind'],
  amountMinor: bigint,
  change: Partial<FollowUpAttempt> = {},
): FollowUpAttempt {
  const { amountMinor: authorizedMinor, currency } = charge.money;
  return {
    ...newAttempt(charge.account),
    paymentId: charge.paymentId,
    money: { amountMinor, currency },
    kind,
    paymentReference,
    providerReference: undefined,
    before: { authorizedMinor, capturedMinor: 0n, refundedMinor: 0n },
    isFinal: true,
    reason: '',
    ...change,
  };
}
