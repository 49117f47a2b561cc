import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { Stripe } from 'stripe';
import { AnswerIncomplete } from './stripe-errors.ts';

/** Where Stripe's API is and how long one call may take, in milliseconds. */
export type StripeApi = { apiUrl: string; timeoutMs: number };

/** The official SDK on one hotel's key. */
export function createClient(
  options: StripeApi,
  secretKey: string,
  httpAgent?: HttpAgent | HttpsAgent,
): Stripe {
  const url = new URL(options.apiUrl);
  const secure = url.protocol === 'https:';
  return new Stripe(secretKey, {
    host: url.hostname,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    protocol: secure ? 'https' : 'http',
    timeout: options.timeoutMs,
    // Retries live in one layer, the sweeper's (reliability rule 12); see also createHttpClient.
    maxNetworkRetries: 0,
    telemetry: false,
    httpClient: createHttpClient(httpAgent),
  });
}

/**
 * The SDK's own HTTP client without its hidden repetition: it sends a call again when the connection closes, even with
 * retries off. Its second call may be refused (a rate limit, a host that restarts) and that refusal would then stand for
 * the first call, which may have charged. Retries live in one layer, the sweeper's, which knows about the first call.
 */
function createHttpClient(agent?: HttpAgent | HttpsAgent): ReturnType<typeof Stripe.createNodeHttpClient> {
  const client = Stripe.createNodeHttpClient(agent);
  const makeRequest = client.makeRequest.bind(client);
  client.makeRequest = async (...request) => {
    try {
      return await makeRequest(...request);
    } catch (error) {
      // The SDK knows a closed connection by these codes; without one it reports the loss and does nothing.
      const isClosed =
        error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      throw isClosed ? new Error('the connection closed before an answer', { cause: error }) : error;
    }
  };
  return client;
}

/** The SDK's own timeout counts silence only; an answer that drips for ever must end too, and is then unknown. */
export async function withinDeadline<T>(timeoutMs: number, call: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new AnswerIncomplete()), timeoutMs);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}
