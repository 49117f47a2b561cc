import { Mode } from '@centra/proto/centra/money/v1/money.ts';
import type {
  ListUnknownOperationsRequest,
  ListUnknownOperationsResponse,
  SettleUnknownOperationRequest,
  SettleUnknownOperationResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import { callUnary } from '@centra/service-kit/grpc.ts';
import { toPublicId } from '@centra/service-kit/ids.ts';
import { callOptions } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import type { Hotel, World } from '../testing/world.ts';

const DESK = { actor: 'user:ada', requestId: 'req_desk', address: '192.0.2.9' };

/** The queue as payment-api or the operator asks for it. */
export async function listUnknown(
  service: TestService,
  change: Partial<ListUnknownOperationsRequest>,
  caller = 'payment-api',
): Promise<ListUnknownOperationsResponse> {
  const client = service.clientOf(caller);
  return await callUnary(
    client.listUnknownOperations.bind(client),
    {
      merchantId: '',
      mode: Mode.MODE_TEST,
      limit: 100,
      afterOperationId: '',
      escalatedOnly: false,
      ...change,
    },
    callOptions(),
  );
}

/** A person says that it did not happen, changed as a test needs. */
export function verdict(
  hotel: Hotel,
  operationId: string,
  change: Partial<SettleUnknownOperationRequest> = {},
): SettleUnknownOperationRequest {
  return {
    merchantId: hotel.merchantId,
    mode: Mode.MODE_TEST,
    operationId: toPublicId('op', operationId),
    happened: false,
    evidence: "Looked for the key in the provider's dashboard: nothing.",
    providerReference: '',
    origin: DESK,
    ...change,
  };
}

export async function settleUnknown(
  service: TestService,
  request: SettleUnknownOperationRequest,
): Promise<SettleUnknownOperationResponse> {
  return await callUnary(service.client.settleUnknownOperation.bind(service.client), request, callOptions());
}

export type StoredVerdict = {
  happened: boolean;
  evidence: string;
  provider_reference: string | null;
  actor: string;
  request_id: string;
  address: string;
};

/** Every verdict on an operation, first to last. */
export async function verdictsOn(world: World, operationId: string): Promise<StoredVerdict[]> {
  const { rows } = await world.admin.query<StoredVerdict>(
    `select happened, evidence, provider_reference, actor, request_id, address from operation_verdicts
      where operation_id = $1 order by attempt`,
    [operationId],
  );
  return rows;
}
