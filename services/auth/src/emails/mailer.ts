import type { Logger } from '@centra/service-kit/log.ts';
import { pause, startLoop } from '@centra/service-kit/loop.ts';
import type { Metrics } from '@centra/service-kit/metrics.ts';
import type { MikroORM } from '@mikro-orm/postgresql';
import { run } from 'graphile-worker';
import type { Runner, TaskList } from 'graphile-worker';
import { Pool } from 'pg';
import { requestLink } from '../accounts/request-link.ts';
import type { MailConfig } from '../config.ts';
import { createPostOffice } from './post-office.ts';
import { REQUEST_LINK, SEND_EMAIL } from './queue-email.ts';
import { queueLogger } from './queue-logger.ts';
import { emailCounter, sendEmail } from './send-email.ts';

export type Mailer = { stop(): Promise<void> };

type Parts = { orm: MikroORM; log: Logger; metrics: Metrics; databaseUrl: string };

// Mail servers answer slowly; two at once keep one slow conversation from holding up the next mail.
const AT_ONCE_MAX = 2;
// One listens for new jobs.
const CONNECTIONS_MAX = AT_ONCE_MAX + 1;
const RESTART_MS = 1_000;
// Without a batch nobody waits for the queue's note that a job is done (0.18.0): when the database does not take it, the
// rejection is nobody's and ends the process. A batch, also of one and at once, has somebody who handles it, and is waited for
// at the stop.
const NOTED_IN_BATCHES = { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } };

/** Starts sending queued mails; `stop` waits for those on their way, a few seconds at most. Throws ConfigError. */
export function startMailer(parts: Parts, config: MailConfig): Mailer {
  const { orm, log, databaseUrl } = parts;
  const sending = { orm, log, config, office: createPostOffice(config), count: emailCounter(parts.metrics) };
  const tasks: TaskList = {
    [SEND_EMAIL]: (payload, helpers) => sendEmail(sending, payload, helpers),
    [REQUEST_LINK]: (payload) => requestLink(orm, payload),
  };
  const pool = createQueuePool(databaseUrl, log);
  const worker = keepWorking(pool, log, tasks);
  const unlocking = startLoop({ name: 'unlock-mails', intervalMs: UNLOCK_EVERY_MS, log }, () =>
    unlockLost(pool),
  );
  return {
    async stop() {
      await Promise.all([worker.stop(), unlocking.stop()]);
      await pool.end();
    },
  };
}

// As for our other statements: these take milliseconds, and one that does not is stuck.
const STATEMENT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 12_000;
const CONNECT_TIMEOUT_MS = 3_000;

/** Not the usual pool, whose int8 are bigint: the queue writes the ids of its jobs as JSON, which has none. */
function createQueuePool(databaseUrl: string, log: Logger): Pool {
  const pool = new Pool({
    connectionString: databaseUrl,
    max: CONNECTIONS_MAX,
    application_name: 'auth-mails',
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  // A lost connection is reported here; without listeners it would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'idle database connection lost'));
  pool.on('connect', (client) => {
    client.on('error', (error) => log.debug({ err: error }, 'database connection lost'));
  });
  return pool;
}

/** Works on the queue until stopped; what ends it, such as the database being away, only interrupts it. */
function keepWorking(pool: Pool, log: Logger, taskList: TaskList): Mailer {
  const stopping = new AbortController();
  let runner: Runner | undefined;
  const done = (async () => {
    while (!stopping.signal.aborted) {
      try {
        runner = await run({
          pgPool: pool,
          logger: queueLogger(log),
          concurrency: AT_ONCE_MAX,
          // Signals are the lifecycle's; and without this it would look for a crontab in the working folder.
          noHandleSignals: true,
          parsedCronItems: [],
          taskList,
          preset: NOTED_IN_BATCHES,
        });
        // It may end badly while it is being stopped, with nobody waiting for it: a rejection that nobody takes ends the process.
        const ended = runner.promise.catch((error: unknown) => {
          log.warn({ err: error }, 'the queue of mails is interrupted');
        });
        if (stopping.signal.aborted) await runner.stop();
        await ended;
      } catch (error) {
        log.warn({ err: error }, 'the queue of mails is interrupted');
      }
      await pause(RESTART_MS, stopping.signal);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      // Refuses when it has stopped by itself.
      await runner?.stop().catch(() => undefined);
      await done;
    },
  };
}

const UNLOCK_EVERY_MS = 60_000;

/**
 * Frees the jobs of a process that was killed. The queue itself does so after 4 hours, by when nobody waits for a link any
 * more. No job takes longer than a minute, so a lock of five is a dead process's, and so are all of its others.
 */
async function unlockLost(pool: Pool): Promise<{ more: boolean }> {
  await pool.query(
    `select graphile_worker.force_unlock_workers(array_agg(distinct locked_by))
     from graphile_worker.jobs where locked_at < now() - interval '5 minutes' having count(*) > 0`,
  );
  return { more: false };
}
