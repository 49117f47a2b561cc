import { status as grpcStatus } from '@grpc/grpc-js';
import type { handleUnaryCall } from '@grpc/grpc-js';
import { MerchantServiceService } from '@centra/proto/centra/merchant/v1/merchant.ts';
import type { MerchantServiceServer } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { unary } from '@centra/service-kit/grpc.ts';
import type { CallContext } from '@centra/service-kit/grpc.ts';
import type { Context } from './context.ts';
import { checkOrigin } from './merchants/check-origin.ts';
import { createMerchant } from './merchants/create-merchant.ts';
import { getMerchant } from './merchants/get-merchant.ts';
import { listMerchants } from './merchants/list-merchants.ts';
import { reviewMerchant } from './merchants/review-merchant.ts';
import { setMerchantLimits } from './merchants/set-merchant-limits.ts';
import { getProviderAccount } from './provider-accounts/get-provider-account.ts';
import { resolveProviderAccount } from './provider-accounts/resolve-provider-account.ts';
import { getRouting } from './routing/get-routing.ts';
import { rotateDataKey } from './sealing/rotate-data-key.ts';

/** The gRPC door: who may call what. */
export function createMerchantService(context: Context): {
  definition: typeof MerchantServiceService;
  implementation: MerchantServiceServer;
} {
  const rpc = <Req, Res>(
    name: string,
    callers: readonly string[],
    action: (context: Context, request: Req, call: CallContext) => Promise<Res>,
  ): handleUnaryCall<Req, Res> => {
    const { log, metrics } = context;
    const handler = unary<Req, Res>({ log, metrics, name, callers }, (request, call) =>
      action(context, request, call),
    );
    return warnOfRefusals(context, name, handler);
  };
  const implementation: MerchantServiceServer = {
    createMerchant: rpc('CreateMerchant', ['operator'], createMerchant),
    getMerchant: rpc(
      'GetMerchant',
      ['api-gateway', 'auth', 'payment-api', 'transaction', 'operator'],
      getMerchant,
    ),
    setMerchantLimits: rpc('SetMerchantLimits', ['operator'], setMerchantLimits),
    checkOrigin: rpc('CheckOrigin', ['api-gateway'], checkOrigin),
    getProviderAccount: rpc('GetProviderAccount', ['transaction'], getProviderAccount),
    resolveProviderAccount: rpc('ResolveProviderAccount', ['transaction'], resolveProviderAccount),
    getRouting: rpc('GetRouting', ['transaction'], getRouting),
    reviewMerchant: rpc('ReviewMerchant', ['operator'], reviewMerchant),
    listMerchants: rpc('ListMerchants', ['operator'], listMerchants),
    rotateDataKey: rpc('RotateDataKey', ['operator'], rotateDataKey),
  };
  return { definition: MerchantServiceService, implementation };
}

/** A service that calls what it may not is misconfigured or taken over; either way someone must see it. */
function warnOfRefusals<Req, Res>(
  context: Context,
  rpc: string,
  handler: handleUnaryCall<Req, Res>,
): handleUnaryCall<Req, Res> {
  return (call, callback) =>
    handler(call, (error, ...rest) => {
      const code = error === null ? undefined : error.code;
      if (code === grpcStatus.PERMISSION_DENIED || code === grpcStatus.UNAUTHENTICATED)
        context.log.warn({ rpc, peer: call.getPeer(), code: grpcStatus[code] }, 'call refused');
      callback(error, ...rest);
    });
}
