import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Change } from '../revocations/revocation-feed.ts';
import type { GrantOf } from './grant.ts';

/** What changed lately, as this replica heard it. */
export type RecentChanges = {
  note(change: Change): void;
  /** Whether the session, the member or the hotel changed lately. */
  concern(of: GrantOf): boolean;
};

// A few megabytes. A script that suspends every member of every hotel goes beyond it; then all are taken for changed.
const CHANGES_MAX = 50_000;

/** Remembers each change for `keptMs`, by a clock that nobody sets. */
export function createRecentChanges(keptMs: number): RecentChanges {
  /** By subject, oldest first. */
  const heardAt = new Map<string, number>();
  let allChangedAt = Number.NEGATIVE_INFINITY;
  const isRecent = (at: number | undefined): boolean => at !== undefined && performance.now() - at < keptMs;
  const forgetOld = (): void => {
    for (const [subject, at] of heardAt) {
      if (isRecent(at) && heardAt.size <= CHANGES_MAX) return;
      heardAt.delete(subject);
      // Forgotten for want of room and not of age: from here on it could be any of them.
      if (isRecent(at)) allChangedAt = Math.max(allChangedAt, at);
    }
  };
  return {
    note(change) {
      const subject = subjectOf(change);
      if (subject === undefined) return;
      heardAt.delete(subject);
      heardAt.set(subject, performance.now());
      forgetOld();
    },
    concern({ userId, sessionId, merchantId }) {
      if (isRecent(allChangedAt) || isRecent(heardAt.get(`session ${sessionId}`))) return true;
      if (merchantId === undefined) return false;
      return (
        isRecent(heardAt.get(`member ${merchantId} ${userId}`)) ||
        isRecent(heardAt.get(`merchant ${merchantId}`))
      );
    },
  };
}

/** Keys are not remembered here at all. */
function subjectOf(change: Change): string | undefined {
  switch (change.kind) {
    case 'api_key':
      return undefined;
    case 'session':
      return `session ${uuidOf('ses', change.sessionId)}`;
    case 'member':
      return `member ${change.merchantId} ${uuidOf('usr', change.userId)}`;
    case 'merchant':
      return `merchant ${change.merchantId}`;
    default:
      throw new Error(`unknown change ${JSON.stringify(change satisfies never)}`);
  }
}

function uuidOf(prefix: 'ses' | 'usr', id: string): string {
  return fromPublicId(prefix, id) ?? id;
}
