import type { Money } from '@centra/money/money.ts';
import type { Failure } from './failure.ts';
import type { OpenedAccount } from './provider-account.ts';

/** What may be shown of a card. */
export type CardSummary = { brand: string; last4: string; expiryMonth: number; expiryYear: number };

/** What a provider promises; nothing is assumed that is not declared here. */
export type Capabilities = {
  /** How long a repeated key surely gives the first answer; 0 when keys are not kept at all. */
  idempotencyWindowMs: number;
  /** Whether `lookup` finds an operation by our own reference. */
  lookupByReference: boolean;
  /** Whether an unfinished challenge (3-D Secure) can be withdrawn. */
  cancelChallenge: boolean;
};

/** One sale to make, or to make again with the same key. */
export type SaleAttempt = {
  /** Sent as the provider's idempotency key: the same for every attempt of one operation. */
  providerKey: string;
  operationId: string;
  /** `pay_…`, shown in the provider's own dashboard. */
  paymentId: string;
  money: Money;
  cardToken: string;
  bookingReference: string;
  description: string;
  guest: { name: string; email: string };
  /** Absent: the guest cannot be sent anywhere, so a card that needs a challenge must be declined. */
  returnUrl: string | undefined;
  /** When the operation began, for the provider's own search by time. */
  createdAt: Date;
  account: OpenedAccount;
  vaultAccount: OpenedAccount | undefined;
};

/** What an attempt came to. Everything that is not the provider's explicit word is `unknown`. */
export type Outcome =
  | { kind: 'succeeded'; providerReference: string; card?: CardSummary }
  | {
      kind: 'declined';
      failure: Failure;
      providerReference?: string;
      card?: CardSummary;
      /** Refused before a charge was tried. Proof for this attempt only: an earlier one may still have charged. */
      beforeCharge?: true;
    }
  | { kind: 'requires_action'; redirectUrl: string; providerReference: string; card?: CardSummary }
  | {
      kind: 'unknown';
      reason: string;
      providerReference?: string;
      /**
       * Sending again cannot settle it: the provider only repeats a stored error under our key, or refuses the call
       * before it would execute it.
       */
      onlyLookupTells?: true;
    }
  /** Proof that this attempt did not ask the provider to move money. */
  | { kind: 'not_sent'; reason: string };

/** What a lookup by our reference found. */
export type Lookup = Outcome | { kind: 'absent' };

export type CredentialResult = {
  result: 'ok' | 'rejected' | 'unreachable' | 'wrong_mode' | 'insufficient';
  /** Words for hotel staff. */
  message: string;
  accountName: string;
};

/** A stateless translator to one provider. Only the core stores. */
export type Provider = {
  name: string;
  capabilities: Capabilities;
  /** Whether this card token can only be charged through the hotel's card vault. */
  needsVault(cardToken: string): boolean;
  /** Throws AppError `amount_not_allowed` or `currency_not_supported` for what this provider can never charge. */
  checkAmount(money: Money): void;
  sale(attempt: SaleAttempt): Promise<Outcome>;
  /** Where the provider's own object stands. */
  retrieve(attempt: SaleAttempt, providerReference: string): Promise<Outcome>;
  /** Finds the operation by our reference. Only called where declared. */
  lookup(attempt: SaleAttempt): Promise<Lookup>;
  /** Withdraws a challenge nobody finished; answers where the object stands afterwards. */
  cancelChallenge(attempt: SaleAttempt, providerReference: string): Promise<Outcome>;
  /** Whether these credentials work in this mode; never moves money. */
  checkCredentials(
    mode: 'test' | 'live',
    credentials: ReadonlyMap<string, string>,
  ): Promise<CredentialResult>;
};
