import type { Mode } from '@centra/proto/centra/money/v1/money.ts';
import { PaymentStatus } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { OperationState } from '@centra/proto/centra/transaction/v1/transaction.ts';
import type {
  AnswerSimulatorChallengeRequest,
  Dispute,
  ListDisputesRequest,
  ListProviderEventsRequest,
  ListUnknownOperationsRequest,
  ProviderEvent,
  ReceiveProviderEventRequest,
  ReplayProviderEventRequest,
  SettleUnknownOperationRequest,
  SimulatorChallenge,
  TransactionServiceServer,
  UnknownOperation,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { AppError } from '@centra/service-kit/errors.ts';
import { unary } from '@centra/service-kit/grpc.ts';

/** Whose something is. */
type Owned<T> = { merchantId: string; mode: Mode; it: T };
type Fault = 'never-answer' | AppError;

/** What transaction keeps for staff, for providers and for its own simulator, in memory. */
export type OperatorsDouble = {
  disputes: Owned<Dispute>[];
  events: Owned<ProviderEvent>[];
  unknown: Owned<UnknownOperation>[];
  /** The accounts that webhooks may name. */
  accounts: Set<string>;
  challenges: Map<string, { challenge: SimulatorChallenge; returnUrl: string }>;
  received: ReceiveProviderEventRequest[];
  replayed: ReplayProviderEventRequest[];
  settled: SettleUnknownOperationRequest[];
  answered: AnswerSimulatorChallengeRequest[];
  /** What the next calls of these do instead of being answered, first one first. */
  faults: Fault[];
  /** The payment that a settlement leads to. */
  payment: Payment | undefined;
};

export function newOperatorsDouble(): OperatorsDouble {
  return {
    disputes: [],
    events: [],
    unknown: [],
    accounts: new Set(),
    challenges: new Map(),
    received: [],
    replayed: [],
    settled: [],
    answered: [],
    faults: [],
    payment: undefined,
  };
}

type Methods = Pick<
  TransactionServiceServer,
  | 'getDispute'
  | 'listDisputes'
  | 'receiveProviderEvent'
  | 'listProviderEvents'
  | 'replayProviderEvent'
  | 'listUnknownOperations'
  | 'settleUnknownOperation'
  | 'getSimulatorChallenge'
  | 'answerSimulatorChallenge'
>;

/** The signature that every account's secret makes. */
export const GOOD_SIGNATURE = 't=1772357400,v1=900d';

/** Test only: keeps these parts of transaction's contract (proto/centra/transaction/v1) as the real one does. */
export function operatorsMethods(
  double: OperatorsDouble,
  options: Omit<Parameters<typeof unary>[0], 'name'>,
): Methods {
  const rpc = <Req, Res>(name: string, action: (request: Req) => Res) =>
    unary<Req, Res>({ ...options, name }, async (request) => {
      const fault = double.faults.shift();
      if (fault instanceof AppError) throw fault;
      if (fault === 'never-answer') await new Promise<never>(() => {});
      return action(request);
    });
  return {
    getDispute: rpc('GetDispute', ({ merchantId, mode, disputeId }) =>
      own(double.disputes, { merchantId, mode }, ({ disputeId: id }) => id === disputeId),
    ),
    listDisputes: rpc('ListDisputes', (request: ListDisputesRequest) => {
      const { found, hasMore } = pageOf(
        double.disputes,
        request,
        (it) => it.disputeId,
        request.afterDisputeId,
        (it) =>
          [request.paymentId, request.status].every((each) => ['', it.paymentId, it.status].includes(each)),
      );
      return { disputes: found, hasMore };
    }),
    receiveProviderEvent: rpc('ReceiveProviderEvent', (request: ReceiveProviderEventRequest) =>
      receive(double, request),
    ),
    listProviderEvents: rpc('ListProviderEvents', (request: ListProviderEventsRequest) => {
      const { found, hasMore } = pageOf(
        double.events,
        request,
        (it) => it.eventId,
        request.afterEventId,
        (it) => ['', it.state].includes(request.state),
      );
      return { events: found, hasMore };
    }),
    replayProviderEvent: rpc('ReplayProviderEvent', (request: ReplayProviderEventRequest) => {
      const event = own(double.events, request, ({ eventId }) => eventId === request.eventId);
      double.replayed.push(request);
      Object.assign(event, { state: 'received', processedAt: undefined });
      return event;
    }),
    listUnknownOperations: rpc('ListUnknownOperations', (request: ListUnknownOperationsRequest) => {
      const { found, hasMore } = pageOf(
        double.unknown,
        request,
        (it) => it.operationId,
        request.afterOperationId,
        (it) => !request.escalatedOnly || it.escalatedAt !== undefined,
        'oldest first',
      );
      return { operations: found, hasMore };
    }),
    settleUnknownOperation: rpc('SettleUnknownOperation', (request: SettleUnknownOperationRequest) =>
      settle(double, request),
    ),
    getSimulatorChallenge: rpc('GetSimulatorChallenge', ({ challengeToken }) => {
      const known = double.challenges.get(challengeToken);
      if (known === undefined) throw new AppError('not_found');
      return known.challenge;
    }),
    answerSimulatorChallenge: rpc('AnswerSimulatorChallenge', (request: AnswerSimulatorChallengeRequest) => {
      const known = double.challenges.get(request.challengeToken);
      if (known === undefined) throw new AppError('not_found');
      if (known.challenge.over) throw new AppError('state_conflict');
      known.challenge.over = true;
      double.answered.push(request);
      return { returnUrl: known.returnUrl };
    }),
  };
}

type Asker = { merchantId: string; mode: Mode };

function own<T>(all: Owned<T>[], asker: Asker, is: (it: T) => boolean): T {
  const found = all.find(
    (each) => each.merchantId === asker.merchantId && each.mode === asker.mode && is(each.it),
  );
  if (found === undefined) throw new AppError('not_found');
  return found.it;
}

function pageOf<T>(
  all: Owned<T>[],
  asker: Asker & { limit: number },
  idOf: (it: T) => string,
  after: string,
  wanted: (it: T) => boolean,
  order: 'newest first' | 'oldest first' = 'newest first',
): { found: T[]; hasMore: boolean } {
  const found = all
    .filter((each) => each.merchantId === asker.merchantId && each.mode === asker.mode)
    .map(({ it }) => it)
    .filter(
      (it) => wanted(it) && (after === '' || (idOf(it) !== after && !isBeforeId(idOf(it), after, order))),
    )
    .toSorted((a, b) => (isBeforeId(idOf(a), idOf(b), order) ? -1 : 1));
  return { found: found.slice(0, asker.limit), hasMore: found.length > asker.limit };
}

function isBeforeId(id: string, other: string, order: 'newest first' | 'oldest first'): boolean {
  return order === 'newest first' ? id > other : id < other;
}

function receive(double: OperatorsDouble, request: ReceiveProviderEventRequest): { duplicate: boolean } {
  if (request.providerAccountId !== '' && !double.accounts.has(request.providerAccountId))
    throw new AppError('not_found');
  if (request.headers['stripe-signature'] !== GOOD_SIGNATURE) throw new AppError('signature_invalid');
  const duplicate = double.received.some(({ rawBody }) => rawBody.equals(request.rawBody));
  double.received.push(request);
  return { duplicate };
}

function settle(double: OperatorsDouble, request: SettleUnknownOperationRequest) {
  const operation = own(double.unknown, request, ({ operationId }) => operationId === request.operationId);
  if (operation.state !== OperationState.OPERATION_STATE_UNKNOWN) throw new AppError('state_conflict');
  double.settled.push(request);
  operation.state = request.happened
    ? OperationState.OPERATION_STATE_SUCCEEDED
    : OperationState.OPERATION_STATE_DECLINED;
  if (double.payment === undefined) throw new Error('the test set no payment');
  const status = request.happened
    ? PaymentStatus.PAYMENT_STATUS_SUCCEEDED
    : PaymentStatus.PAYMENT_STATUS_FAILED;
  return { payment: { ...double.payment, status }, state: operation.state };
}
