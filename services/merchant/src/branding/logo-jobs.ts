import { AppError } from '@centra/service-kit/errors.ts';

/** Lets few pictures be worked on at once. */
export type LogoJobs = { run<T>(job: () => Promise<T>): Promise<T> };

// Decoding takes a thread of libuv's pool, which has four and serves files and names too.
const RUNNING_MAX = 1;
// One takes some tens of milliseconds: whoever is behind as many as this is better off trying again.
const WAITING_MAX = 8;

/** A queue of this process. Past its length `unavailable` is thrown at once. */
export function createLogoJobs(): LogoJobs {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async run(job) {
      if (running >= RUNNING_MAX) {
        if (waiting.length >= WAITING_MAX)
          throw new AppError('unavailable', { retryAfterSeconds: 1, internal: 'too many pictures at once' });
        // Whoever ends hands its place over, so `running` stays as it is.
        await new Promise<void>((next) => waiting.push(next));
      } else running += 1;
      try {
        return await job();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
