import { currencyRule } from '../amounts/currencies.ts';
import { newId } from '../ids.ts';
import type { Dispute } from './dispute.ts';

/** A movement of the account's balance that a dispute caused, as the API shows it. */
export type DisputeTransaction = {
  id: string;
  object: 'balance_transaction';
  amount: number;
  available_on: number;
  balance_type: 'payments';
  created: number;
  currency: string;
  description: string;
  exchange_rate: null;
  fee: number;
  fee_details: {
    amount: number;
    application: null;
    currency: string;
    description: string;
    type: 'stripe_fee';
  }[];
  net: number;
  reporting_category: 'dispute' | 'dispute_reversal';
  source: string;
  status: 'available';
  type: 'adjustment';
};

/** Stripe's fee for a lost or open dispute, in whole units of the currency (15 USD). */
const FEE_UNITS = 15;

/** The disputed amount and the fee leave the balance. */
export function withdrawal(dispute: Dispute, now: number): DisputeTransaction {
  const fee = FEE_UNITS * 10 ** (currencyRule(dispute.currency)?.decimals ?? 2);
  return transaction(dispute, now, { amount: -dispute.amount, fee, category: 'dispute' });
}

/** Both come back, as Stripe's page on test disputes says of won ones. */
export function reinstatement(dispute: Dispute, now: number): DisputeTransaction {
  const taken = dispute.balance_transactions.reduce((sum, { fee }) => sum + fee, 0);
  return transaction(dispute, now, { amount: dispute.amount, fee: -taken, category: 'dispute_reversal' });
}

/** What a dispute has taken from the balance so far, in minor units; 0 again once it was given back. */
export function balanceEffect(dispute: Dispute | undefined): number {
  return (dispute?.balance_transactions ?? []).reduce((sum, { net }) => sum + net, 0);
}

function transaction(
  dispute: Dispute,
  now: number,
  facts: { amount: number; fee: number; category: DisputeTransaction['reporting_category'] },
): DisputeTransaction {
  const { amount, fee } = facts;
  const { charge, currency } = dispute;
  const isTaken = facts.category === 'dispute';
  const feeLine = {
    amount: fee,
    application: null,
    currency,
    description: 'Dispute fee',
    type: 'stripe_fee' as const,
  };
  return {
    id: newId('txn'),
    object: 'balance_transaction',
    amount,
    available_on: now,
    balance_type: 'payments',
    created: now,
    currency,
    description: `Chargeback ${isTaken ? 'withdrawal' : 'reversal'} for ${charge}`,
    exchange_rate: null,
    fee,
    fee_details: fee === 0 ? [] : [feeLine],
    net: amount - fee,
    reporting_category: facts.category,
    source: dispute.id,
    status: 'available',
    type: 'adjustment',
  };
}
