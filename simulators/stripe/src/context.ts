import { mkdir } from 'node:fs/promises';

import { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { Faults } from './faults/fault.ts';
import { ObjectLocks } from './http/object-locks.ts';
import { RateLimiter } from './http/rate-limiter.ts';
import { openInstanceKey, type InstanceKey } from './instance-key.ts';
import { Journal } from './journal/journal.ts';
import type { JournalLine } from './journal/journal-lines.ts';
import { Settlements } from './payment-intents/settlements.ts';
import { Store, type StateLine } from './store/store.ts';
import { WebhookSender } from './webhooks/webhook-sender.ts';

/** What everything is built on. */
export type Core = {
  config: Config;
  clock: Clock;
  journal: Journal;
  store: Store;
  faults: Faults;
  instanceKey: InstanceKey;
};

export type Context = Core & {
  /** Idempotency keys whose first request is still running. */
  keysInUse: Set<string>;
  webhooks: WebhookSender;
  settlements: Settlements;
  locks: ObjectLocks;
  rateLimiter: RateLimiter;
  /** Where browsers reach this simulator; known once it listens. */
  publicUrl: () => string;
};

/** Reads the journal and rebuilds everything that happened before. */
export async function createContext(config: Config, publicUrl: () => string): Promise<Context> {
  await mkdir(config.dataDir, { recursive: true });
  const clock = new Clock();
  const store = new Store(config.searchDelayMs, config.expiryDelayMs, config.disputeDelayMs);
  const instanceKey = await openInstanceKey(config.dataDir);
  const journal = await Journal.open(config.dataDir, (lines) =>
    lines.forEach((line) => replay(store, clock, line)),
  );
  const core: Core = { config, clock, journal, store, faults: new Faults(), instanceKey };
  const webhooks = new WebhookSender(core);
  const settlements = new Settlements(core, webhooks);
  return {
    ...core,
    keysInUse: new Set(),
    webhooks,
    settlements,
    locks: new ObjectLocks(),
    rateLimiter: new RateLimiter(config.rateLimitPerSecond),
    publicUrl,
  };
}

function replay(store: Store, clock: Clock, line: JournalLine): void {
  if (!isStateLine(line)) return;
  if (line.type === 'clock') clock.offsetMs = line.offset_ms;
  store.apply(line, Date.parse(line.at));
}

/** The journal is this program's own file, and its lines are written from the same type. */
function isStateLine(line: JournalLine): line is JournalLine & StateLine {
  return line.kind === 'state';
}
