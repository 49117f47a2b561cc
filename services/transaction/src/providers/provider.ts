import type { Money } from '@centra/money/money.ts';
import type { Failure } from './failure.ts';
import type { OpenedAccount } from './provider-account.ts';

/** What may be shown of a card. */
export type CardSummary = { brand: string; last4: string; expiryMonth: number; expiryYear: number };

/** What a provider promises; nothing is assumed that is not declared here. */
export type Capabilities = {
  /** How long a repeated key surely gives the first answer; 0 when keys are not kept at all. */
  idempotencyWindowMs: number;
  /** Whether `lookup` and `lookupFollowUp` find an operation by our own reference. */
  lookupByReference: boolean;
  /** Whether an unfinished challenge (3-D Secure) can be withdrawn. */
  cancelChallenge: boolean;
  /** Whether money can be held first and collected later. */
  manualCapture: boolean;
  /** Whether less than the hold can be captured. */
  partialCapture: boolean;
  /** Whether a hold can be captured several times: never, or as each hold's own answer says. */
  multipleCapture: 'never' | 'per_hold';
  /** Whether a hold can be raised: never, or as each hold's own answer says. */
  incrementalAuthorization: 'never' | 'per_hold';
  /** Whether a hold can be lowered without capturing. */
  decreaseAuthorization: boolean;
  /** Whether more than the hold can be captured: never, or up to what each hold's own answer says. */
  overcapture: 'never' | 'per_hold';
  /** Whether the bank may approve a part, when asked to. */
  partialApproval: boolean;
  /** Whether it has a hosted page that collects the card itself. */
  hostedPage: boolean;
  /** Who tells when a hold lapses. */
  holdExpiry: 'provider' | 'none';
  /** How long after the capture money can be given back; undefined: no limit is known. */
  refundWindowDays: number | undefined;
  /** Whether several refunds of parts are possible. */
  partialRefunds: boolean;
  /** Whether it sends signed events. */
  events: boolean;
};

/** What a hold allows, from the provider's own answer. */
export type HoldTerms = {
  /** When the provider lets go of it; undefined when it did not say. */
  expiresAt: Date | undefined;
  multipleCapture: boolean;
  incremental: boolean;
  /** How much above the authorised amount may be captured, in minor units. */
  overcaptureMinor: bigint;
};

/** CIT, MIT and MOTO: who starts the payment and how the card data came. */
export type Initiation = 'customer' | 'merchant' | 'moto';

/** What each attempt at a provider carries. */
export type Attempt = {
  /** Sent as the provider's idempotency key: the same for every attempt of one operation. */
  providerKey: string;
  operationId: string;
  /** `pay_…`, shown in the provider's own dashboard. */
  paymentId: string;
  /** What this operation is about; for an adjustment the new total of the hold. */
  money: Money;
  bookingReference: string;
  /** When the operation began, for the provider's own search by time. */
  createdAt: Date;
  account: OpenedAccount;
};

/** One sale or authorisation to make, or to make again with the same key. */
export type ChargeAttempt = Attempt & {
  /** `automatic` collects at once (a sale), `manual` holds. */
  captureMethod: 'automatic' | 'manual';
  cardToken: string;
  description: string;
  guest: { name: string; email: string };
  /** Absent: the guest cannot be sent anywhere, so a card that needs a challenge must be declined. */
  returnUrl: string | undefined;
  vaultAccount: OpenedAccount | undefined;
  initiation: Initiation;
  originalNetworkTransactionId: string | undefined;
  extras: { multipleCapture: boolean; incremental: boolean; overcapture: boolean; extended: boolean };
  allowPartialApproval: boolean;
  /** What the guest reads on their statement, as it was when the operation began; absent: the account's own. */
  statementDescriptor?: string;
};

/** One payment on the provider's hosted page. */
export type HostedAttempt = Attempt & {
  captureMethod: 'automatic' | 'manual';
  description: string;
  guest: { name: string; email: string };
  successUrl: string;
  cancelUrl: string;
  /** When the page closes. */
  expiresAt: Date;
  extras: { multipleCapture: boolean; incremental: boolean; overcapture: boolean; extended: boolean };
  /** As of a charge. */
  statementDescriptor?: string;
};

/** One operation on a payment that the provider knows. */
export type FollowUpAttempt = Attempt & {
  kind: 'capture' | 'void' | 'refund' | 'adjust';
  /** The payment's id at the provider. */
  paymentReference: string;
  /** This operation's own id at the provider, once it told one (a refund has its own). */
  providerReference: string | undefined;
  /** Our settled totals before this operation, in minor units of `money.currency`. */
  before: { authorizedMinor: bigint; capturedMinor: bigint; refundedMinor: bigint };
  /** For a capture: whether it lets go of the rest. */
  isFinal: boolean;
  /** Why, for a void or refund: requested_by_customer, duplicate, fraudulent, abandoned; empty when not told. */
  reason: string;
};

/** What an attempt came to. Everything that is not the provider's explicit word is `unknown`. */
export type Outcome =
  | {
      kind: 'succeeded';
      providerReference: string;
      card?: CardSummary;
      /** What was really authorised, captured or refunded, where it may differ from what was asked for. */
      amountMinor?: bigint;
      /** Of an authorisation or adjustment: what its hold allows. */
      hold?: HoldTerms;
      networkTransactionId?: string;
    }
  | {
      kind: 'declined';
      failure: Failure;
      providerReference?: string;
      card?: CardSummary;
      /** Refused before a charge was tried. Proof for this attempt only: an earlier one may still have charged. */
      beforeCharge?: true;
    }
  | {
      kind: 'requires_action';
      redirectUrl: string;
      providerReference: string;
      card?: CardSummary;
      /** When the provider closes it; undefined when it does not say. */
      expiresAt?: Date;
    }
  /** Accepted and not settled: a refund that the bank still works on. Not in doubt, only slow. */
  | { kind: 'pending'; providerReference: string }
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

/**
 * Where a payment stands at the provider, all in minor units. `canceledBy` tells who ended it: `expiry` when the provider
 * let go of the hold by itself.
 */
export type PaymentStanding = {
  state: 'open' | 'held' | 'captured' | 'canceled' | 'failed';
  authorizedMinor: bigint;
  capturedMinor: bigint;
  refundedMinor: bigint;
  /** What can still be captured. */
  capturableMinor: bigint;
  canceledBy?: 'request' | 'expiry';
  disputed: boolean;
  hold?: HoldTerms;
};

/** A fact that a provider's event tells, in our words. The core asks the provider before it moves money for it. */
export type EventFact = {
  /** The provider's id of the event; equal ids are the same event. */
  eventId: string;
  /** The provider's type, for people. */
  type: string;
  /** What the same fact under another event id shares: object, type and what it says. */
  factKey: string;
  about:
    | { kind: 'payment' }
    | { kind: 'refund'; refundReference: string }
    | { kind: 'dispute'; disputeReference: string }
    /** Nothing that concerns us; stored and done. */
    | { kind: 'other' };
  /** The payment's id at the provider, as stored by us (a payment intent or a checkout session); undefined when not told. */
  paymentReferences: readonly string[];
  /** Our own references, when the object carries them. */
  operationId: string | undefined;
  paymentId: string | undefined;
  /** The amounts it states, to hold against ours; undefined when it states none. */
  stated: { amountMinor: bigint; currency: string } | undefined;
  occurredAt: Date;
};

/** What an event that nobody has checked yet says of itself: our own account (`pa_…`), or the provider's payments. */
export type EventHint = Pick<EventFact, 'paymentReferences'> & { providerAccountId: string | undefined };

/** A dispute (chargeback) as the provider tells it. */
export type DisputeFacts = {
  reference: string;
  money: Money;
  status: 'open' | 'under_review' | 'won' | 'lost' | 'closed';
  providerStatus: string;
  reason: string;
  isInquiry: boolean;
  evidenceDueAt: Date | undefined;
};

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
  /**
   * Throws AppError `amount_not_allowed` or `currency_not_supported` for what this provider can never charge; of a `part` that
   * is captured or given back, for what it cannot say at all: its smallest charge does not bind that.
   */
  checkAmount(money: Money, as?: 'charge' | 'part'): void;
  /** Collects or holds, by `captureMethod`. */
  charge(attempt: ChargeAttempt): Promise<Outcome>;
  /** Opens the hosted page: `requires_action` with its address. Only called where declared. */
  openHostedPage(attempt: HostedAttempt): Promise<Outcome>;
  /** Where the provider's own object of a sale, authorisation or hosted page stands, as an outcome of that operation. */
  retrieve(attempt: ChargeAttempt | HostedAttempt, providerReference: string): Promise<Outcome>;
  /** Finds a sale, authorisation or hosted page by our reference. Only called where declared. */
  lookup(attempt: ChargeAttempt | HostedAttempt): Promise<Lookup>;
  /** Withdraws a challenge or hosted page nobody finished; answers where the object stands afterwards. */
  cancelChallenge(attempt: ChargeAttempt | HostedAttempt, providerReference: string): Promise<Outcome>;
  /** Captures, voids, refunds or adjusts, by `kind`. */
  followUp(attempt: FollowUpAttempt): Promise<Outcome>;
  /** Finds what became of a capture, void, refund or adjustment. Only called where declared. */
  lookupFollowUp(attempt: FollowUpAttempt): Promise<Lookup>;
  /** Where a payment stands; undefined when the provider does not know it or cannot be asked now. */
  standing(
    account: OpenedAccount,
    paymentReference: string,
    currency: string,
  ): Promise<PaymentStanding | undefined>;
  /** A dispute as it stands; undefined when it cannot be read. Only called where `events` is declared. */
  readDispute(account: OpenedAccount, disputeReference: string): Promise<DisputeFacts | undefined>;
  /**
   * The fact that a webhook tells, after its signature was checked over the raw bytes with the account's own secret; throws
   * AppError `signature_invalid`. Only called where `events` is declared.
   */
  readEvent(account: OpenedAccount, rawBody: Buffer, headers: Readonly<Record<string, string>>): EventFact;
  /** What a webhook that is not checked yet says of itself: only good for finding the account whose secret checks it. */
  peekEvent(rawBody: Buffer): EventHint | undefined;
  /** For people who must find out an unknown outcome: where to look, in words, with a link where there is one. */
  howToFindOut(facts: {
    mode: 'test' | 'live';
    operationId: string;
    paymentReference: string | undefined;
  }): string;
  /** Whether these credentials work in this mode; never moves money. */
  checkCredentials(
    mode: 'test' | 'live',
    credentials: ReadonlyMap<string, string>,
  ): Promise<CredentialResult>;
};
