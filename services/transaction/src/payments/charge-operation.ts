import { newUuid } from '@centra/service-kit/ids.ts';
import type { NewOperation } from '../operations/begin-operation.ts';
import { descriptorOf } from '../operations/operation.ts';
import type { Operation, OperationOptions } from '../operations/operation.ts';
import type { RoutedAccounts } from '../providers/choose-accounts.ts';
import type { Route } from '../routing/choose-route.ts';
import type { Wanted } from './charge-request.ts';
import type { Payment } from './payment.ts';

/** With the route by which its account was chosen, where rules had a say. */
export function withRoute(options: OperationOptions, route: Route | undefined): OperationOptions {
  return route === undefined ? options : { ...options, routing: route };
}

/** What write 1 stores of a charge that goes to these accounts, with the id of its new payment. */
export function toNewOperation(wanted: Wanted, accounts: RoutedAccounts): NewOperation {
  return {
    ...wanted,
    paymentId: newUuid(),
    amountMinor: wanted.money.amountMinor,
    currency: wanted.money.currency,
    cardToken: wanted.cardToken === '' ? undefined : wanted.cardToken,
    options: withRoute({ ...wanted.options, ...descriptorOf(accounts.provider) }, accounts.route),
    provider: accounts.provider.provider,
    providerAccountId: accounts.provider.id,
    providerAccountVersion: accounts.provider.version,
    vaultAccountId: accounts.vault?.id,
    vaultAccountVersion: accounts.vault?.version,
  };
}

/** The operation as write 1 stored it, without reading it back. */
export function toBegunOperation(begun: NewOperation, createdAt: Date): Operation {
  return {
    merchantId: begun.merchantId,
    id: begun.operationId,
    kind: begun.kind,
    state: 'sent',
    sequence: 1,
    attempt: 1,
    mayHaveCharged: false,
    fingerprint: begun.fingerprint,
    money: moneyOf(begun),
    cardToken: begun.cardToken,
    returnUrl: begun.returnUrl,
    isFinal: false,
    reason: '',
    options: begun.options,
    failure: undefined,
    providerAccountId: begun.providerAccountId,
    providerAccountVersion: begun.providerAccountVersion,
    vaultAccountId: begun.vaultAccountId,
    vaultAccountVersion: begun.vaultAccountVersion,
    providerReference: undefined,
    actor: begun.actor,
    requestId: begun.requestId,
    address: begun.address,
    createdAt,
    finishedAt: undefined,
    payment: toBegunPayment(begun, createdAt),
  };
}

function toBegunPayment(begun: NewOperation, createdAt: Date): Payment {
  return {
    merchantId: begun.merchantId,
    id: begun.paymentId,
    mode: begun.mode,
    status: 'processing',
    version: 1,
    money: moneyOf(begun),
    authorizedMinor: 0n,
    capturedMinor: 0n,
    refundedMinor: 0n,
    authorizePendingMinor: 0n,
    capturePendingMinor: 0n,
    refundPendingMinor: 0n,
    captureMethod: begun.kind === 'authorize' ? 'manual' : 'automatic',
    hold: undefined,
    busyOperationId: undefined,
    initiation: begun.initiation,
    networkTransactionId: undefined,
    originalNetworkTransactionId: begun.originalNetworkTransactionId,
    quoteId: begun.quoteId,
    quoteHash: begun.quoteHash,
    cancellationReason: undefined,
    disputed: false,
    provider: begun.provider,
    providerAccountId: begun.providerAccountId,
    providerReference: undefined,
    card: undefined,
    bookingReference: begun.bookingReference,
    guest: begun.guest,
    description: begun.description,
    metadata: begun.metadata,
    failure: undefined,
    redirectUrl: undefined,
    createdAt,
    readAt: createdAt,
    updatedAt: createdAt,
  };
}

function moneyOf({ amountMinor, currency }: NewOperation): Payment['money'] {
  return { amountMinor, currency };
}
