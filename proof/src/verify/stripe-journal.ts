import { z } from 'zod';
import { parseExactly, readLines } from './read-lines.ts';

const effectLine = z.object({
  effect: z.string(),
  account: z.string(),
  at: z.string(),
  payment_intent: z.string().optional(),
  charge: z.string().optional(),
  refund: z.string().optional(),
  amount: z.bigint().optional(),
  amount_new_total: z.bigint().optional(),
  currency: z.string().optional(),
  idempotency_key: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).optional(),
});
export type StripeEffect = z.infer<typeof effectLine>;

const requestLine = z.object({
  method: z.string(),
  path: z.string(),
  account: z.string().nullish(),
  idempotency_key: z.string().nullish(),
  status: z.bigint().nullable().transform(Number),
});
export type StripeRequest = z.infer<typeof requestLine>;

const eventState = z.object({ account: z.string(), value: z.object({ id: z.string(), type: z.string() }) });
const endpointState = z.object({ account: z.string(), value: z.object({ id: z.string(), url: z.string() }) });
const doneState = z.object({ event: z.string(), endpoint: z.string(), outcome: z.string() });
const chargeState = z.object({
  value: z.object({
    payment_intent: z.string().nullish(),
    payment_method_details: z.object({ card: z.object({ capture_before: z.bigint().optional() }) }),
  }),
});

/** An event that one of our own endpoints answered with 2xx. */
export type DeliveredEvent = { id: string; type: string; account: string; url: string };

/** What Stripe's simulator says of itself. */
export type StripeJournal = {
  effects: StripeEffect[];
  requests: StripeRequest[];
  delivered: DeliveredEvent[];
  /** By payment intent: until when it can be captured at the latest, in seconds since 1970. */
  captureBefore: ReadonlyMap<string, number>;
  /** Payment intents whose hold Stripe let go of by itself: no request asked for it. */
  lapsed: ReadonlySet<string>;
};

// Where Stripe finds us: one address for each account, and one for all. Any other endpoint is a scenario's own.
const OUR_ENDPOINT = /\/v1\/(webhooks\/stripe\/|stripe\/events)/;

/** Reads the journal; lines that nothing is judged by are passed over. */
export function readStripeJournal(file: string): StripeJournal {
  const effects: StripeEffect[] = [];
  const requests: StripeRequest[] = [];
  const events = new Map<string, z.infer<typeof eventState>>();
  const endpoints = new Map<string, string>();
  const done: z.infer<typeof doneState>[] = [];
  const captureBefore = new Map<string, number>();
  for (const line of readLines(file)) {
    const parsed = kindSchema.parse(parseExactly(line));
    const state = parsed.kind === 'state' ? parsed.type : parsed.kind;
    switch (state) {
      case 'effect':
        effects.push(effectLine.parse(parsed));
        break;
      case 'request':
        requests.push(requestLine.parse(parsed));
        break;
      case 'event': {
        const event = eventState.parse(parsed);
        events.set(event.value.id, event);
        break;
      }
      case 'webhook_endpoint': {
        const { value } = endpointState.parse(parsed);
        endpoints.set(value.id, value.url);
        break;
      }
      case 'webhook_done':
        done.push(doneState.parse(parsed));
        break;
      case 'charge':
        rememberDeadline(captureBefore, chargeState.parse(parsed));
        break;
      default:
    }
  }
  return {
    effects,
    requests,
    delivered: done.flatMap((delivery) => deliveredEvent(delivery, events, endpoints)),
    captureBefore,
    lapsed: new Set(effects.flatMap(lapsedIntent)),
  };
}

const kindSchema = z.object({ kind: z.string(), type: z.string().optional() }).loose();

function rememberDeadline(deadlines: Map<string, number>, { value }: z.infer<typeof chargeState>): void {
  const deadline = value.payment_method_details.card.capture_before;
  if (typeof value.payment_intent !== 'string' || deadline === undefined) return;
  deadlines.set(value.payment_intent, Math.max(Number(deadline), deadlines.get(value.payment_intent) ?? 0));
}

function deliveredEvent(
  { event: eventId, endpoint, outcome }: z.infer<typeof doneState>,
  events: ReadonlyMap<string, z.infer<typeof eventState>>,
  endpoints: ReadonlyMap<string, string>,
): DeliveredEvent[] {
  const event = events.get(eventId);
  const url = endpoints.get(endpoint) ?? '';
  if (outcome !== 'acknowledged' || event === undefined || !OUR_ENDPOINT.test(url)) return [];
  return [{ id: eventId, type: event.value.type, account: event.account, url }];
}

function lapsedIntent({ effect, idempotency_key: key, payment_intent: intent }: StripeEffect): string[] {
  const isByItself = effect === 'authorization.released' && typeof key !== 'string';
  return isByItself && intent !== undefined ? [intent] : [];
}
