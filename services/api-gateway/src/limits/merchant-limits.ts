import { status as grpcStatus } from '@grpc/grpc-js';
import type { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callMetadata, callUnary, isServiceError } from '@centra/service-kit/grpc.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { LRUCache } from 'lru-cache';
import { withQuotas } from '../limits.ts';
import type { Limits } from '../limits.ts';

export type MerchantLimits = {
  /**
   * The limits that a hotel has now. At once where anything is known of it; for its very first request a promise that is
   * kept within 250 ms and never rejects.
   */
  of(merchantId: string, requestId: string): Limits | Promise<Limits>;
};

// While merchant is away, what it last said is better than a busy hotel held to the default; after this long, it is not.
const USABLE_MS = 3_600_000;
// So long the first request of a hotel may wait, once in an hour at most; then the platform's limits do for the moment.
const FIRST_WAIT_MS = 250;
const LOOKUP_DEADLINE_MS = 1_000;
// After merchant could not be asked. With 64 questions at once, even ten thousand hotels are no load.
const RETRY_MS = 5_000;
const LOOKUPS_MAX = 64;
// Hotels without limits of their own share one table; the others take about 1 kB.
const ENTRIES_MAX = 10_000;

type Entry = { limits: Limits; askAt: number };

/** Asks merchant for each hotel's own limits, and remembers them. No request waits for what is asked again. */
export function createMerchantLimits(options: {
  client: MerchantServiceClient;
  log: Logger;
  platform: Limits;
  freshMs: number;
}): MerchantLimits {
  const { platform, freshMs, log } = options;
  const entries = new LRUCache<string, Entry>({ max: ENTRIES_MAX, ttl: USABLE_MS });
  const open = new Map<string, Promise<void>>();
  let isAway = false;

  const turn = (away: boolean, error?: unknown): void => {
    if (isAway === away) return;
    isAway = away;
    if (away) log.warn({ err: error }, 'merchant is away: hotels keep the limits that they had');
    else log.info('merchant is back: limits of hotels are asked for again');
  };

  const look = async (merchantId: string, requestId: string): Promise<void> => {
    try {
      const own = await askMerchant(options.client, merchantId, requestId);
      entries.set(merchantId, { limits: withQuotas(platform, own), askAt: Date.now() + freshMs });
      turn(false);
    } catch (error) {
      const known = entries.get(merchantId);
      const askAt = Date.now() + RETRY_MS;
      // In place, so that what merchant said does not grow younger by its silence.
      if (known !== undefined && known.limits !== platform) known.askAt = askAt;
      else entries.set(merchantId, { limits: platform, askAt });
      turn(true, error);
    }
  };

  const ask = (merchantId: string, requestId: string): Promise<void> | undefined => {
    let pending = open.get(merchantId);
    if (pending === undefined && open.size < LOOKUPS_MAX) {
      pending = look(merchantId, requestId).finally(() => open.delete(merchantId));
      open.set(merchantId, pending);
    }
    return pending;
  };

  const first = async (merchantId: string, requestId: string): Promise<Limits> => {
    const pending = ask(merchantId, requestId);
    if (pending === undefined) return platform;
    await settledWithin(pending, FIRST_WAIT_MS);
    const known = entries.get(merchantId);
    if (known !== undefined) return known.limits;
    // The answer is still on its way and will take this one's place; nobody else waits for it.
    entries.set(merchantId, { limits: platform, askAt: Date.now() + RETRY_MS });
    return platform;
  };

  return {
    of(merchantId, requestId) {
      const known = entries.get(merchantId);
      if (known === undefined) return first(merchantId, requestId);
      if (Date.now() >= known.askAt) void ask(merchantId, requestId);
      return known.limits;
    },
  };
}

/** The hotel's own quotas; none for a hotel that merchant does not know. */
async function askMerchant(
  client: MerchantServiceClient,
  merchantId: string,
  requestId: string,
): Promise<readonly { name: string; quota: number }[]> {
  try {
    const { limits } = await callUnary(
      client.getMerchant.bind(client),
      { merchantId },
      { metadata: callMetadata(requestId), deadlineMs: LOOKUP_DEADLINE_MS },
    );
    return limits;
  } catch (error) {
    if (isServiceError(error) && error.code === grpcStatus.NOT_FOUND) return [];
    throw error;
  }
}

/** Waits for the promise, but not longer than that. */
async function settledWithin(pending: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([pending, timeout]);
  clearTimeout(timer);
}
