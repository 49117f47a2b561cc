import type { Logger } from '@centra/service-kit/log.ts';
import type { Secret } from '@centra/service-kit/secret.ts';
import { toLogin } from './log-in.ts';
import type { LogIn, Login } from './log-in.ts';
import type { Sender } from './retry.ts';
import { VaultError } from './vault-error.ts';

/** Our token, kept alive. */
export type Session = {
  /** The token; logs in when there is none. Concurrent callers share one log-in. */
  token(): Promise<Secret>;
  /** A token other than the refused one; logs in unless that has happened meanwhile. */
  tokenAfter(refused: Secret): Promise<Secret>;
  /** True once a log-in worked. */
  hasLoggedIn(): boolean;
  close(): void;
};

type Held = Login & { expiresAtMs: number; grantedS: number };

// Renewing leaves a third of the time for retries and, past 90 %, for logging in again.
const RENEW_AT = 2 / 3;
const LOG_IN_AT = 0.9;
// Up to a tenth earlier, so that replicas that started together do not renew together.
const JITTER = 0.1;
// The longest wait that is set at once; well under the 24 days that a timer bears.
const WAIT_MAX_MS = 12 * 3_600_000;
// After a log-in that failed: between this and a minute, doubling.
const LOG_IN_PAUSE_MS = 1_000;
const LOG_IN_PAUSE_MAX_MS = 60_000;

/** Logs in at once, in the background; what fails is tried again until it works or the session is closed. */
export function startSession({ logIn, sender, log }: { logIn: LogIn; sender: Sender; log: Logger }): Session {
  let held: Held | undefined;
  let loggingIn: Promise<Secret> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let refusedSince: { atMs: number; error: unknown } | undefined;
  let pauseMs = LOG_IN_PAUSE_MS;
  let closed = false;

  const plan = (delayMs: number, work: () => Promise<void>): void => {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(() => void work(), Math.min(delayMs, WAIT_MAX_MS)).unref();
  };
  const hold = (login: Login, grantedS: number): void => {
    held = { ...login, grantedS, expiresAtMs: performance.now() + login.leaseS * 1000 };
    const early = 1 - Math.random() * JITTER;
    // Without an end (0) there is nothing to renew.
    if (login.leaseS > 0) plan(login.leaseS * 1000 * RENEW_AT * early, renew);
  };
  const freshToken = (): Promise<Secret> => {
    // A log-in that just failed would fail again; calls must not become a storm of log-ins.
    if (refusedSince !== undefined && performance.now() - refusedSince.atMs < LOG_IN_PAUSE_MS)
      return Promise.reject(refusedSince.error);
    loggingIn ??= logIn()
      .then((login) => {
        if (refusedSince !== undefined) log.info('logged in at Vault again');
        [refusedSince, pauseMs] = [undefined, LOG_IN_PAUSE_MS];
        hold(login, login.leaseS);
        return login.token;
      })
      .catch((cause: unknown) => {
        // Without the status: a 400 of the log-in says nothing about the value that a call is about.
        const words = cause instanceof VaultError ? cause.message : 'unexpected';
        const error = new VaultError(`logging in at Vault failed: ${words}`, { cause });
        refusedSince = { atMs: performance.now(), error };
        log.error({ err: error }, 'logging in at Vault failed');
        throw error;
      })
      .finally(() => (loggingIn = undefined));
    return loggingIn;
  };
  const keepLoggingIn = async (): Promise<void> => {
    try {
      await freshToken();
    } catch {
      plan(pauseMs * (1 + Math.random()), keepLoggingIn);
      pauseMs = Math.min(pauseMs * 2, LOG_IN_PAUSE_MAX_MS);
    }
  };
  const renew = async (): Promise<void> => {
    if (held === undefined || !held.renewable) return await keepLoggingIn();
    const { token, grantedS, expiresAtMs } = held;
    try {
      const login = toLogin(
        await sender.send({ method: 'POST', path: 'auth/token/renew-self', body: {}, token }),
      );
      // Cut short: the token nears its greatest age, past which no renewal helps.
      if (login.leaseS < grantedS / 2) return await keepLoggingIn();
      hold({ ...login, token }, grantedS);
    } catch (error) {
      log.warn({ err: error }, 'renewing the token of Vault failed');
      const isRefused = error instanceof VaultError && (error.status === 400 || error.status === 403);
      const leftMs = expiresAtMs - performance.now();
      if (isRefused || leftMs < grantedS * 1000 * (1 - LOG_IN_AT)) return await keepLoggingIn();
      plan(Math.max(LOG_IN_PAUSE_MS, leftMs / 5), renew);
    }
  };

  void keepLoggingIn();
  return {
    async token() {
      const isGood = held !== undefined && (held.leaseS === 0 || performance.now() < held.expiresAtMs);
      return held !== undefined && isGood ? held.token : await freshToken();
    },
    async tokenAfter(refused) {
      return held !== undefined && held.token !== refused ? held.token : await freshToken();
    },
    hasLoggedIn: () => held !== undefined,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
