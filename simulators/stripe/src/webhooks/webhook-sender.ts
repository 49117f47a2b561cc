// Sends events to endpoints: at least once, in no promised order, and each endpoint on its own lane, so that a slow one
// holds up nobody else.
import { Agent, request as httpRequest } from 'undici';

import type { Core } from '../context.ts';
import { eventJson, type EventRecord } from '../events/event.ts';
import { newId } from '../ids.ts';
import type { Mode, StateLine } from '../store/store.ts';
import { signWebhook } from './sign-webhook.ts';
import { endpointSecret, isMatch, type WebhookEndpoint } from './webhook-endpoint.ts';

/** Deliveries under way to one endpoint. */
const LANE_WIDTH = 8;
/** In test mode Stripe tries again three times. */
const TEST_ATTEMPTS_MAX = 4;
/** In live mode Stripe goes on for three days. */
const LIVE_RETRIES_MS = 3 * 24 * 60 * 60 * 1_000;
/** An endpoint's answer is thrown away after this much. */
const ANSWER_BYTES_MAX = 65_536;

/** One event on its way to one endpoint. Only the tracked one is retried and acknowledged. */
type Job = {
  event: EventRecord;
  eventMode: Mode;
  mode: Mode;
  endpointId: string;
  attempt: number;
  tracked: boolean;
  eventId: string;
};

type Lane = { queue: { job: Job; done: () => void }[]; running: number; held: Job[] };

export class WebhookSender {
  readonly #core: Core;
  readonly #agent = new Agent({ connections: LANE_WIDTH, pipelining: 1 });
  readonly #closing = new AbortController();
  readonly #lanes = new Map<string, Lane>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** Starts the deliveries; resolves when every first attempt that was not held back is over. */
  async send(mode: Mode, events: EventRecord[]): Promise<void> {
    const jobs = events.flatMap((event) =>
      event.endpoints.map((endpointId) => newJob(mode, event, endpointId)),
    );
    await Promise.all(jobs.map((job) => this.#start(job)));
  }

  /** Sends what an earlier run left unacknowledged. */
  resume(): void {
    for (const mode of this.#core.store.modes()) {
      for (const id of [...mode.events.ids()].toReversed()) {
        const event = mode.events.get(id);
        if (event && event.waiting.size > 0)
          void this.send(mode, [{ ...event, endpoints: [...event.waiting] }]);
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const lane of this.#lanes.values()) lane.queue.splice(0).forEach(({ done }) => done());
    await Promise.all(this.#underWay);
    await this.#agent.destroy();
  }

  /** The first attempt, under the webhook faults. */
  #start(job: Job): Promise<void> {
    const { faults, clock } = this.#core;
    const target = this.#targetOf(job);
    if (!target) return this.#finish(job, 'endpoint deleted');
    if (faults.fire(['webhook_lose'], target)) return this.#finish(job, 'lost');
    const foreign = faults.fire(
      ['webhook_other_account'],
      target,
      (fault) => this.#foreignJobs(job, fault.account).length > 0,
    );
    const extras = foreign ? this.#foreignJobs(job, foreign.account) : [];
    const duplicate = faults.fire(['webhook_duplicate'], target);
    const copies = Array.from({ length: (duplicate?.copies ?? 1) - 1 }, () => ({
      ...job,
      tracked: false,
      eventId: duplicate?.new_id ? newId('evt') : job.eventId,
    }));
    extras.push(...copies);
    const delayed = faults.fire(['webhook_delay'], target);
    if (delayed) {
      clock.at(clock.now() + delayed.delay_ms, () => void this.#enqueueAll([job, ...extras]));
      return Promise.resolve();
    }
    const reordered = faults.fire(['webhook_reorder'], target);
    if (reordered) {
      this.#hold(job, reordered.hold_ms);
      return this.#enqueueAll(extras);
    }
    return this.#enqueueAll([job, ...extras]);
  }

  async #enqueueAll(jobs: Job[]): Promise<void> {
    await Promise.all(jobs.map((job) => this.#enqueue(job)));
  }

  #enqueue(job: Job): Promise<void> {
    const lane = this.#lane(job.endpointId);
    return new Promise((resolve) => {
      lane.queue.push({ job, done: resolve });
      this.#advance(lane);
    });
  }

  #advance(lane: Lane): void {
    while (lane.running < LANE_WIDTH && !this.#closing.signal.aborted) {
      const next = lane.queue.shift();
      if (!next) return;
      lane.running += 1;
      const attempt = this.#attempt(next.job).finally(() => {
        lane.running -= 1;
        this.#underWay.delete(attempt);
        next.done();
        for (const held of lane.held.splice(0)) void this.#enqueue(held);
        this.#advance(lane);
      });
      this.#underWay.add(attempt);
    }
  }

  /** Kept until another event to the same endpoint has overtaken it, or nobody came. */
  #hold(job: Job, holdMs: number): void {
    const { clock } = this.#core;
    const lane = this.#lane(job.endpointId);
    lane.held.push(job);
    clock.at(clock.now() + holdMs, () => {
      if (!lane.held.includes(job)) return;
      lane.held = lane.held.filter((held) => held !== job);
      void this.#enqueue(job);
    });
  }

  async #attempt(job: Job): Promise<void> {
    const endpoint = job.mode.endpoints.get(job.endpointId);
    if (!endpoint) return this.#finish(job, 'endpoint deleted');
    const isAcknowledged = await this.#post(job, endpoint);
    if (this.#closing.signal.aborted) return;
    if (isAcknowledged) return this.#finish(job, 'acknowledged');
    if (!job.tracked) return;
    const { clock, config } = this.#core;
    const attempt = job.attempt + 1;
    const nextMs = clock.now() + config.webhookRetryMs * 2 ** job.attempt;
    const isLast = endpoint.livemode
      ? nextMs > job.event.created * 1000 + LIVE_RETRIES_MS
      : attempt >= TEST_ATTEMPTS_MAX;
    if (isLast) return this.#finish(job, 'given up');
    clock.at(nextMs, () => void this.#enqueue({ ...job, attempt }));
  }

  /** True on a 2xx; a redirect, an error or silence is a failure. */
  async #post(job: Job, endpoint: WebhookEndpoint): Promise<boolean> {
    const { config, faults, instanceKey } = this.#core;
    const body = JSON.stringify({ ...eventJson(job.event, job.eventMode.livemode), id: job.eventId });
    const isForged =
      faults.fire(['webhook_bad_signature'], this.#targetOf(job) ?? { method: 'POST', path: '/' }) !==
      undefined;
    const secret = endpointSecret(instanceKey, endpoint.id);
    const signature = signWebhook(
      isForged ? `${secret}_forged` : secret,
      body,
      Math.floor(Date.now() / 1000),
    );
    try {
      const answer = await httpRequest(endpoint.url, {
        method: 'POST',
        body,
        dispatcher: this.#agent,
        headers: {
          'Content-Type': 'application/json; charset=utf-8',
          'Stripe-Signature': signature,
          'User-Agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        },
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(config.webhookTimeoutMs)]),
      });
      await answer.body.dump({ limit: ANSWER_BYTES_MAX });
      return answer.statusCode >= 200 && answer.statusCode < 300;
    } catch {
      return false;
    }
  }

  /** Recorded without waiting: lost in a crash, it means one delivery more, which Stripe's receivers must stand. */
  async #finish(job: Job, outcome: string): Promise<void> {
    const { clock, journal, store } = this.#core;
    if (!job.tracked || !job.event.waiting.has(job.endpointId)) return;
    const { account, livemode } = job.mode;
    const line: StateLine = {
      kind: 'state',
      account,
      livemode,
      type: 'webhook_done',
      event: job.event.id,
      endpoint: job.endpointId,
      outcome,
    };
    store.apply(line, clock.now());
    job.event.waiting.delete(job.endpointId);
    await journal
      .append([line], clock.now())
      .catch((error: unknown) => console.error('a delivery could not be journalled', error));
  }

  /** The same event for endpoints of other accounts, signed with their secrets: what a misrouted webhook looks like. */
  #foreignJobs(job: Job, account: string | undefined): Job[] {
    const others = [...this.#core.store.modes()].filter(
      (mode) =>
        mode.account !== job.mode.account &&
        mode.livemode === job.mode.livemode &&
        (account === undefined || mode.account === account),
    );
    return others.flatMap((mode) => {
      const listening = [...mode.endpoints.ids()].filter((id) => {
        const endpoint = mode.endpoints.get(id);
        return endpoint && isMatch(endpoint, job.event.type);
      });
      return listening.map((endpointId) => ({ ...job, mode, endpointId, tracked: false }));
    });
  }

  #targetOf(job: Job): { method: string; path: string; eventType: string } | undefined {
    const endpoint = job.mode.endpoints.get(job.endpointId);
    return endpoint
      ? { method: 'POST', path: new URL(endpoint.url).pathname, eventType: job.event.type }
      : undefined;
  }

  #lane(endpointId: string): Lane {
    const lane = this.#lanes.get(endpointId) ?? { queue: [], running: 0, held: [] };
    this.#lanes.set(endpointId, lane);
    return lane;
  }
}

function newJob(mode: Mode, event: EventRecord, endpointId: string): Job {
  return { event, eventMode: mode, mode, endpointId, attempt: 0, tracked: true, eventId: event.id };
}
