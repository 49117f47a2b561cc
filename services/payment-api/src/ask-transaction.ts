import type { CallOptions, ClientUnaryCall, Metadata, ServiceError } from '@grpc/grpc-js';
import { callMetadata, callUnary, isServiceError } from '@centra/service-kit/grpc.ts';
import { sentRefusal, unavailable } from './transaction-refusal.ts';

/** One RPC of a generated client, bound to it. */
export type UnaryMethod<Req, Res> = (
  request: Req,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Res) => void,
) => ClientUnaryCall;

/**
 * Asks transaction for something that changes no money, so that a lost or late answer is simply "try again" (503).
 * Its refusals arrive as they were thrown there.
 */
export async function askTransaction<Req, Res>(
  method: UnaryMethod<Req, Res>,
  request: Req,
  options: { requestId: string; deadlineMs: number },
): Promise<Res> {
  try {
    return await callUnary(method, request, {
      metadata: callMetadata(options.requestId),
      deadlineMs: options.deadlineMs,
    });
  } catch (error) {
    if (!isServiceError(error)) throw error;
    throw sentRefusal(error) ?? unavailable(error);
  }
}
