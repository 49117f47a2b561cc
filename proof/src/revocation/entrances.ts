import { clientOf } from '@centra/dev/seed.ts';
import { PaymentServiceClient } from '@centra/proto/centra/payment/v1/payment.ts';
import { callUnary, isServiceError } from '@centra/service-kit/grpc.ts';
import { Metadata, status } from '@grpc/grpc-js';
import { Agent } from 'undici';
import { read } from '../load/ask.ts';
import type { Stage } from '../stage/stage.ts';

/**
 * What became of a call: `taken` with the key, `refused` because of the key (401), `closed` without saying anything of the key
 * (503 and the like: whoever cannot be sure refuses), `silent` without an answer.
 */
export type Answer = 'taken' | 'refused' | 'closed' | 'silent';

/** One way in, with connections of its own. */
export type Entrance = { name: string; call(apiKey: string): Promise<Answer> };

export type Entrances = { all: readonly Entrance[]; close(): Promise<void> };

// Longer than a gateway may take to say 503, shorter than what a pause of one may last.
const TIMEOUT_MS = 4_000;
// A payment that nobody has: reading it costs one row, and `not found` is told only to whom the key lets in.
const NOBODYS = 'pay_01jd0000000000000000000000';

/** Both gateways, and the gRPC side of payment-api over two connections, which its link spreads over both replicas. */
export function openEntrances(stage: Stage): Entrances {
  const agents = stage.doors.map(() => new Agent());
  const http = stage.doors.map((door, index): Entrance => {
    const dispatcher = agents[index];
    return {
      name: `gateway ${index + 1}`,
      call: async (apiKey) => {
        const options = { timeoutMs: TIMEOUT_MS, ...(dispatcher === undefined ? {} : { dispatcher }) };
        const answer = await read(door, { apiKey }, `/v1/payments/${NOBODYS}`, options);
        return ofStatus(answer.status);
      },
    };
  });
  const clients = [1, 2].map(() =>
    clientOf(stage, 'booking-api', PaymentServiceClient, {
      address: `127.0.0.1:${stage.links['payment-api-grpc'].port}`,
      server: 'payment-api',
      // Else both would share one connection, and one replica.
      options: { 'grpc.use_local_subchannel_pool': 1 },
    }),
  );
  const grpc = clients.map((client, index): Entrance => ({
    name: `gRPC ${index + 1}`,
    call: async (apiKey) => await callGrpc(client, apiKey),
  }));
  return {
    all: [...http, ...grpc],
    async close() {
      for (const client of clients) client.close();
      await Promise.all(agents.map(async (agent) => await agent.destroy()));
    },
  };
}

function ofStatus(code: number): Answer {
  if (code === 404) return 'taken';
  if (code === 401) return 'refused';
  return code === 0 ? 'silent' : 'closed';
}

async function callGrpc(client: PaymentServiceClient, apiKey: string): Promise<Answer> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${apiKey}`);
  try {
    await callUnary(
      client.getPayment.bind(client),
      { paymentId: NOBODYS },
      { metadata, deadlineMs: TIMEOUT_MS },
    );
    return 'taken';
  } catch (error) {
    if (!isServiceError(error)) throw error;
    if (error.code === status.NOT_FOUND) return 'taken';
    if (error.code === status.UNAUTHENTICATED) return 'refused';
    return error.code === status.DEADLINE_EXCEEDED ? 'silent' : 'closed';
  }
}
