import { status as grpcStatus } from '@grpc/grpc-js';
import type { AuthServiceClient, KeyUsage } from '@centra/proto/centra/auth/v1/auth.ts';
import { callMetadata, callUnary, isServiceError } from './grpc.ts';
import { newUuid } from './ids.ts';
import type { Logger } from './log.ts';
import { startLoop } from './loop.ts';
import type { Identity } from './service-identity.ts';

export type KeyUsageReporter = {
  /** Counts one request; only those made with an API key. Costs no call. */
  note(identity: Identity): void;
  /** Sends what was counted, and ends. What cannot be sent then is lost. */
  stop(): Promise<void>;
};

// What a process that is lost takes with it; auth sees one call each from a handful of processes.
const INTERVAL_MS = 5_000;
// As much as auth takes in one report.
const REPORT_MAX = 1_000;
// Only reached while auth is away, when hardly anybody can authenticate. Beyond it use goes uncounted: better than the memory.
const ENTRIES_MAX = 20_000;
const DEADLINE_MS = 3_000;
// Auth knows a report again for a day; one that may have arrived and is sent later than that could count twice.
const REPORT_AGE_MAX_MS = 12 * 3_600_000;
const API_KEY = 'api_key:';

type Report = { id: string; madeAt: number; usage: KeyUsage[] };

/**
 * Counts requests by key and UTC day, and reports them to auth every few seconds. A report whose answer was lost is sent
 * again under its id before any other, and counts once.
 */
export function createKeyUsageReporter(options: {
  client: AuthServiceClient;
  log: Logger;
  intervalMs?: number;
  now?: () => number;
}): KeyUsageReporter {
  const { client, log, intervalMs = INTERVAL_MS, now = Date.now } = options;
  const counts = new Map<string, KeyUsage>();
  let unanswered: Report | undefined;

  const round = async (): Promise<{ more: boolean }> => {
    unanswered ??= takeReport(counts, now());
    if (unanswered === undefined) return { more: false };
    if (now() - unanswered.madeAt > REPORT_AGE_MAX_MS) {
      log.error(
        { entries: unanswered.usage.length },
        'use of keys could not be reported for hours and is dropped',
      );
      unanswered = undefined;
      return { more: true };
    }
    await send(client, log, unanswered);
    unanswered = undefined;
    return { more: counts.size > 0 };
  };
  const loop = startLoop({ name: 'report-key-usage', intervalMs, log }, round);
  return {
    note: (identity) => count(counts, identity, now()),
    async stop() {
      await loop.stop();
      try {
        while ((await round()).more);
      } catch (error) {
        log.error({ err: error, entries: counts.size }, 'the last use of keys could not be reported');
      }
    },
  };
}

function count(counts: Map<string, KeyUsage>, { actor, merchantId }: Identity, now: number): void {
  if (!actor.startsWith(API_KEY)) return;
  const apiKeyId = actor.slice(API_KEY.length);
  // The day by its number: its date is written once an entry, and this is in the way of every charge.
  const name = `${Math.floor(now / DAY_MS)} ${apiKeyId}`;
  const known = counts.get(name);
  if (known !== undefined) known.requests += 1n;
  else if (counts.size < ENTRIES_MAX) {
    const day = new Date(now).toISOString().slice(0, 10);
    counts.set(name, { merchantId, apiKeyId, day, requests: 1n });
  }
}

const DAY_MS = 86_400_000;

function takeReport(counts: Map<string, KeyUsage>, madeAt: number): Report | undefined {
  const taken = [...counts].slice(0, REPORT_MAX);
  if (taken.length === 0) return undefined;
  for (const [name] of taken) counts.delete(name);
  return { id: newUuid(), madeAt, usage: taken.map(([, usage]) => usage) };
}

/** Throws while the answer is not known; a report that auth refuses for good is logged and given up. */
async function send(client: AuthServiceClient, log: Logger, report: Report): Promise<void> {
  try {
    await callUnary(
      client.recordKeyUsage.bind(client),
      { reportId: report.id, usage: report.usage },
      { metadata: callMetadata(report.id), deadlineMs: DEADLINE_MS },
    );
  } catch (error) {
    if (!isServiceError(error) || error.code !== grpcStatus.INVALID_ARGUMENT) throw error;
    log.error({ err: error, entries: report.usage.length }, 'auth does not take this report of key usage');
  }
}
