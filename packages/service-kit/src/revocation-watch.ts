import type { ClientReadableStream } from '@grpc/grpc-js';
import type { AuthServiceClient, RevocationEvent } from '@centra/proto/centra/auth/v1/auth.ts';
import { callMetadata } from './grpc.ts';
import type { Logger } from './log.ts';

/** Whom a remembered answer is about: what a revocation may name. */
export type Subjects = {
  /** `key_…`. */
  keyId: string | undefined;
  /** `ses_…`. */
  sessionId: string | undefined;
  /** `usr_…`. */
  userId: string | undefined;
  /** UUID. */
  merchantId: string | undefined;
};

/** Where answers are remembered. */
export type Remembered = {
  drop(isConcerned: (subjects: Subjects) => boolean): void;
  dropAll(): void;
};

export type RevocationWatch = {
  /** Whether revocations are being pushed to us. */
  isLive(): boolean;
  /** Another number after each revocation. */
  generation(): number;
  /** Whether auth may say something of them that has changed meanwhile; never of a key, which it reads each time. */
  mayBeLate(subjects: Subjects): boolean;
  close(): void;
};

// Auth sends a heartbeat each second; two missed ones are silence.
const HEARTBEAT_MAX_AGE_MS = 2_500;
const RECONNECT_MS = 500;
// A replica of auth may hear of a change two seconds later than we do; well above that.
const LATE_MAX_MS = 5_000;
// A few seconds' changes. Beyond it, all are taken for changed.
const CHANGES_MAX = 10_000;

/** Follows auth's revocations; drops everything remembered at each (re)connection, since some may have been missed. */
export function watchRevocations(
  options: { client: AuthServiceClient; log: Logger },
  remembered: Remembered,
): RevocationWatch {
  let heardAt = 0;
  let generation = 0;
  let closed = false;
  let stream: ClientReadableStream<RevocationEvent> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const changes = recentChanges();

  const connect = (): void => {
    let first = true;
    stream = options.client.watchRevocations({}, callMetadata('revocations'));
    stream.on('data', ({ event }: RevocationEvent) => {
      heardAt = Date.now();
      if (first) {
        first = false;
        generation += 1;
        changes.noteAll();
        remembered.dropAll();
      }
      const isConcerned = matcherOf(event);
      if (isConcerned === undefined) return;
      generation += 1;
      changes.note(isConcerned);
      remembered.drop(isConcerned);
    });
    stream.on('error', (error) => options.log.debug({ err: error }, 'revocation stream ended'));
    stream.on('close', () => {
      heardAt = 0;
      if (!closed) timer = setTimeout(connect, RECONNECT_MS);
    });
  };
  connect();
  return {
    isLive: () => Date.now() - heardAt < HEARTBEAT_MAX_AGE_MS,
    generation: () => generation,
    mayBeLate: (subjects) => subjects.keyId === undefined && changes.concern(subjects),
    close() {
      closed = true;
      clearTimeout(timer);
      stream?.cancel();
    },
  };
}

/** Whom the event is about; undefined for a heartbeat. An event that we do not know may be about anybody. */
function matcherOf(event: RevocationEvent['event']): ((subjects: Subjects) => boolean) | undefined {
  switch (event?.$case) {
    case 'heartbeat':
      return undefined;
    case 'revokedApiKeyId':
      return ({ keyId }) => keyId === event.value;
    case 'endedSessionId':
      return ({ sessionId }) => sessionId === event.value;
    case 'changedMember':
      return ({ merchantId, userId }) =>
        merchantId === event.value.merchantId && userId === event.value.userId;
    case 'changedMerchantId':
      return ({ merchantId }) => merchantId === event.value;
    default:
      return () => true;
  }
}

type RecentChanges = {
  note(isConcerned: (subjects: Subjects) => boolean): void;
  noteAll(): void;
  concern(subjects: Subjects): boolean;
};

/** The last seconds' changes. */
function recentChanges(): RecentChanges {
  let heard: { isConcerned(subjects: Subjects): boolean; at: number }[] = [];
  return {
    note(isConcerned) {
      if (heard[0] !== undefined && !isRecent(heard[0])) heard = heard.filter(isRecent);
      if (heard.length >= CHANGES_MAX) heard = [{ isConcerned: () => true, at: Date.now() }];
      else heard.push({ isConcerned, at: Date.now() });
    },
    noteAll: () => void (heard = [{ isConcerned: () => true, at: Date.now() }]),
    concern: (subjects) => heard.some((change) => isRecent(change) && change.isConcerned(subjects)),
  };
}

function isRecent({ at }: { at: number }): boolean {
  return Date.now() - at < LATE_MAX_MS;
}
