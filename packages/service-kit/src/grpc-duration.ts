import { InterceptingCall, status as grpcStatus } from '@grpc/grpc-js';
import type { Interceptor } from '@grpc/grpc-js';
import type { Metrics } from './metrics.ts';

/** Measures each call to the service `target`, by RPC and status. Streams live as long as the process and are left out. */
export function timeCalls(metrics: Metrics, target: string): Interceptor {
  return (options, nextCall) => {
    const { path, responseStream } = options.method_definition;
    const call = nextCall(options);
    if (responseStream) return new InterceptingCall(call);
    const method = path.slice(path.lastIndexOf('/') + 1);
    const end = metrics.clientSeconds.startTimer({ target, method });
    return new InterceptingCall(call, {
      start(metadata, _listener, next) {
        next(metadata, {
          onReceiveStatus(status, nextStatus) {
            end({ status: grpcStatus[status.code] ?? String(status.code) });
            nextStatus(status);
          },
        });
      },
    });
  };
}
