import type { ApiRequest } from './api-request.ts';
import { invalidParameter } from './stripe-error.ts';

type Expandable = { kind: string; find: (request: ApiRequest, id: string) => object | undefined };

/** What may be expanded, by the kind of the object that holds the id. */
const EXPANDABLE: Record<string, Record<string, Expandable>> = {
  payment_intent: {
    latest_charge: { kind: 'charge', find: (request, id) => request.mode.charges.get(id) },
    payment_method: {
      kind: 'payment_method',
      find: (request, id) => request.mode.paymentMethods.get(id)?.method,
    },
  },
  'checkout.session': {
    // Lines are no id but part of the session: whoever shows it puts them in.
    line_items: { kind: 'list', find: () => undefined },
    payment_intent: paymentIntent(),
  },
  dispute: { charge: charge(), payment_intent: paymentIntent() },
  'radar.early_fraud_warning': { charge: charge(), payment_intent: paymentIntent() },
  refund: {
    charge: { kind: 'charge', find: (request, id) => request.mode.charges.get(id) },
    payment_intent: {
      kind: 'payment_intent',
      find: (request, id) => request.mode.paymentIntents.get(id)?.intent,
    },
  },
  charge: {
    payment_intent: {
      kind: 'payment_intent',
      find: (request, id) => request.mode.paymentIntents.get(id)?.intent,
    },
  },
};

function charge(): Expandable {
  return { kind: 'charge', find: (request, id) => request.mode.charges.get(id) };
}

function paymentIntent(): Expandable {
  return { kind: 'payment_intent', find: (request, id) => request.mode.paymentIntents.get(id)?.intent };
}

/** Throws for a property that cannot be expanded; asked before anything happens. */
export function checkExpand(kind: string, paths: string[] | undefined, prefix = ''): void {
  for (const path of paths ?? []) {
    if (!path.startsWith(prefix)) throw notExpandable(path);
    let current = kind;
    for (const step of path.slice(prefix.length).split('.')) {
      const found = EXPANDABLE[current]?.[step];
      if (!found) throw notExpandable(path);
      current = found.kind;
    }
  }
}

/** The object with the asked-for ids replaced by their objects; `prefix` is what a list's paths begin with (`data.`). */
export function expanded(
  request: ApiRequest,
  kind: string,
  object: object,
  paths: string[] | undefined,
  prefix = '',
): object {
  return (paths ?? []).reduce(
    (result, path) => expandPath(request, kind, result, path.slice(prefix.length).split('.')),
    object,
  );
}

function expandPath(
  request: ApiRequest,
  kind: string,
  object: object,
  [step = '', ...rest]: string[],
): object {
  const expandable = EXPANDABLE[kind]?.[step];
  const current: unknown = Reflect.get(object, step);
  const found = typeof current === 'string' ? expandable?.find(request, current) : current;
  if (!expandable || typeof found !== 'object' || found === null) return object;
  return { ...object, [step]: rest.length > 0 ? expandPath(request, expandable.kind, found, rest) : found };
}

function notExpandable(path: string) {
  return invalidParameter(`This property cannot be expanded (${path.slice(0, 100)}).`, 'expand');
}
