import { startTestGateway } from './gateway-under-test.ts';
import type { TestGateway } from './gateway-under-test.ts';
import type { RealAuth } from './real-auth.ts';
import { startUpstream } from './upstream-double.ts';
import type { Handler, UpstreamDouble } from './upstream-double.ts';

/** Limits out of the way, for tests whose subject is something else. */
export const GENEROUS = { LIMIT_PAYMENTS_PER_SECOND: '100000', LIMIT_DEFAULT_PER_SECOND: '100000' };

/** A gateway whose payment-api answers by `handler`, for the time of `use`. */
export async function withUpstream(
  auth: RealAuth,
  handler: Handler,
  env: Record<string, string>,
  use: (gateway: TestGateway, upstream: UpstreamDouble) => Promise<void>,
): Promise<void> {
  const upstream = await startUpstream(handler);
  const gateway = await startTestGateway(auth, { paymentApi: upstream.url }, { ...GENEROUS, ...env });
  try {
    await use(gateway, upstream);
  } finally {
    await upstream.close();
    await gateway.close();
  }
}
