import type { MerchantServiceClient } from '@centra/proto/centra/merchant/v1/merchant.ts';
import { callMetadata, callUnary } from '@centra/service-kit/grpc.ts';
import type { Logger } from '@centra/service-kit/log.ts';
import { LRUCache } from 'lru-cache';

export type Origins = {
  /** Whether the origin belongs to the merchant, or, with `anyMerchant`, to some merchant. Unknown counts as no. */
  isAllowed(origin: string, merchantId: string, requestId: string): Promise<boolean>;
};

/** A preflight carries no credential, so its merchant is not known. */
export const anyMerchant = '';

// A hotel that adds its new site's origin can use it this soon.
const FRESH_MS = 30_000;
// While merchant cannot be asked, an answer this old is better than a booking page that stops working.
const USABLE_MS = 300_000;
const ENTRIES_MAX = 10_000;
// The header is free to send, so only so many questions may be open at merchant at once.
const LOOKUPS_MAX = 64;
const LOOKUP_DEADLINE_MS = 1_000;
// RFC 1035's 253 letters of a host name, the scheme and a port.
const ORIGIN = /^https?:\/\/[a-z0-9.[\]:-]{1,262}$/;

type Entry = { allowed: boolean; checkedAt: number };

/** Asks merchant whose browser pages may call us, and remembers the answer for a while. */
export function createOrigins(options: { client: MerchantServiceClient; log: Logger }): Origins {
  // Refusals have a room of their own: invented origins must not push out the hotels' real ones.
  const rooms = {
    allowed: new LRUCache<string, Entry>({ max: ENTRIES_MAX, ttl: USABLE_MS }),
    refused: new LRUCache<string, Entry>({ max: ENTRIES_MAX, ttl: USABLE_MS }),
  };
  const open = new Map<string, Promise<boolean>>();

  const look = async (
    key: string,
    origin: string,
    merchantId: string,
    requestId: string,
  ): Promise<boolean> => {
    const metadata = callMetadata(requestId);
    const call = options.client.checkOrigin.bind(options.client);
    const { allowed } = await callUnary(
      call,
      { origin, merchantId },
      { metadata, deadlineMs: LOOKUP_DEADLINE_MS },
    );
    rooms[allowed ? 'refused' : 'allowed'].delete(key);
    rooms[allowed ? 'allowed' : 'refused'].set(key, { allowed, checkedAt: Date.now() });
    return allowed;
  };

  return {
    async isAllowed(origin, merchantId, requestId) {
      if (!ORIGIN.test(origin)) return false;
      const key = `${merchantId} ${origin}`;
      const known = rooms.allowed.get(key) ?? rooms.refused.get(key);
      if (known !== undefined && Date.now() - known.checkedAt < FRESH_MS) return known.allowed;
      let pending = open.get(key);
      if (pending === undefined) {
        if (open.size >= LOOKUPS_MAX) return known?.allowed ?? false;
        pending = look(key, origin, merchantId, requestId).finally(() => open.delete(key));
        open.set(key, pending);
      }
      try {
        return await pending;
      } catch (error) {
        options.log.warn({ err: error, requestId }, 'merchant cannot be asked about an origin');
        return known?.allowed ?? false;
      }
    },
  };
}
