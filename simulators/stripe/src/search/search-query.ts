// Stripe's search query language, as far as payment intents use it:
//   status:'succeeded' AND metadata['order']:'6735' · amount>1000 · -currency:'eur' · metadata['k']:null
import type { PaymentIntent } from '../payment-intents/payment-intent.ts';
import { invalidParameter, type StripeError } from '../http/stripe-error.ts';

const OPERATORS = [':', '~', '<', '<=', '>', '>='] as const;
type Operator = (typeof OPERATORS)[number];
type Value = string | number | null;

export type Clause = {
  field: string;
  metadataKey: string | null;
  operator: Operator;
  value: Value;
  negated: boolean;
};
export type Query = { joinedBy: 'AND' | 'OR'; clauses: Clause[] };

/** Stripe's own limit for one query. */
const CLAUSES_MAX = 10;

const NUMBER_FIELDS = ['amount', 'created'];
const TEXT_FIELDS = ['currency', 'customer', 'status'];

const SPACE = /\s*/y;
const FIELD = /(-)?([a-z_]+)(?:\[(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\])?/y;
const OPERATOR = /\s*(>=|<=|:|~|<|>)\s*/y;
const VALUE = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\d+)(?!\S)|(null)(?!\S)/y;
const JOINT = /\s+(AND|OR)\s+/iy;

/** Throws a 400 that says which part of the query cannot be read. */
export function parseQuery(text: string): Query {
  const clauses: Clause[] = [];
  const joints = new Set<string>();
  let at = take(SPACE, text, 0)?.end ?? 0;
  for (;;) {
    const { clause, end } = parseClause(text, at);
    clauses.push(clause);
    const joint = take(JOINT, text, end);
    if (!joint) {
      if (text.slice(end).trim() !== '') throw unreadable(text.slice(end));
      break;
    }
    joints.add(joint.groups[0]?.toUpperCase() ?? '');
    at = joint.end;
  }
  if (joints.size > 1)
    throw invalidParameter('You cannot combine AND and OR in the same search query.', 'query');
  if (clauses.length > CLAUSES_MAX)
    throw invalidParameter(`A search query can have at most ${CLAUSES_MAX} clauses.`, 'query');
  return { joinedBy: joints.has('OR') ? 'OR' : 'AND', clauses };
}

export function isFound(intent: PaymentIntent, query: Query): boolean {
  return query.joinedBy === 'AND'
    ? query.clauses.every((clause) => holds(intent, clause))
    : query.clauses.some((clause) => holds(intent, clause));
}

function parseClause(text: string, start: number): { clause: Clause; end: number } {
  const field = take(FIELD, text, start);
  const operator = field && take(OPERATOR, text, field.end);
  const value = operator && take(VALUE, text, operator.end);
  if (!field || !operator || !value) throw unreadable(text.slice(start));
  const sign = OPERATORS.find((known) => known === operator.groups[0]);
  if (!sign) throw unreadable(text.slice(start));
  const [minus, name, doubleQuoted, singleQuoted] = field.groups;
  const clause: Clause = {
    field: name ?? '',
    metadataKey: unescape(doubleQuoted ?? singleQuoted) ?? null,
    operator: sign,
    value: valueOf(value.groups),
    negated: minus === '-',
  };
  checkClause(clause);
  return { clause, end: value.end };
}

function valueOf([doubleQuoted, singleQuoted, number]: (string | undefined)[]): Value {
  const text = unescape(doubleQuoted ?? singleQuoted);
  if (text !== undefined) return text;
  return number === undefined ? null : Number(number);
}

function checkClause({ field, metadataKey, operator, value }: Clause): void {
  const known = field === 'metadata' || NUMBER_FIELDS.includes(field) || TEXT_FIELDS.includes(field);
  if (!known || (field === 'metadata') !== (metadataKey !== null)) {
    throw invalidParameter(
      `Field \`${field}\` is an unsupported search field for resource \`payment_intents\`.`,
      'query',
    );
  }
  const comparesNumbers = operator !== ':' && operator !== '~';
  if (comparesNumbers && !NUMBER_FIELDS.includes(field))
    throw invalidParameter(`Field \`${field}\` does not support the operator ${operator}.`, 'query');
  if (operator === '~' && (NUMBER_FIELDS.includes(field) || typeof value !== 'string' || value.length < 3)) {
    throw invalidParameter('The ~ operator needs a text of at least 3 characters.', 'query');
  }
  if (NUMBER_FIELDS.includes(field) && !/^\d+$/.test(String(value)))
    throw invalidParameter(`Field \`${field}\` needs a whole number.`, 'query');
}

function holds(intent: PaymentIntent, clause: Clause): boolean {
  return compare(intent, clause) !== clause.negated;
}

function compare(intent: PaymentIntent, { field, metadataKey, operator, value }: Clause): boolean {
  const actual = metadataKey === null ? fieldOf(intent, field) : (intent.metadata[metadataKey] ?? null);
  if (value === null) return operator === ':' && actual === null;
  if (typeof actual === 'number') return compareNumbers(actual, operator, Number(value));
  if (actual === null) return false;
  // Stripe compares text without regard to case.
  const [left, right] = [actual.toLowerCase(), String(value).toLowerCase()];
  return operator === '~' ? left.includes(right) : left === right;
}

function compareNumbers(actual: number, operator: Operator, wanted: number): boolean {
  if (operator === '<') return actual < wanted;
  if (operator === '<=') return actual <= wanted;
  if (operator === '>') return actual > wanted;
  return operator === '>=' ? actual >= wanted : actual === wanted;
}

function fieldOf(intent: PaymentIntent, field: string): string | number | null {
  if (field === 'amount') return intent.amount;
  if (field === 'created') return intent.created;
  if (field === 'currency') return intent.currency;
  return field === 'status' ? intent.status : intent.customer;
}

function take(
  pattern: RegExp,
  text: string,
  at: number,
): { groups: (string | undefined)[]; end: number } | undefined {
  pattern.lastIndex = at;
  const match = pattern.exec(text);
  return match ? { groups: match.slice(1), end: pattern.lastIndex } : undefined;
}

function unescape(text: string | undefined): string | undefined {
  return text?.replaceAll(/\\(.)/g, '$1');
}

function unreadable(rest: string): StripeError {
  return invalidParameter(
    `We were unable to parse your search query near \`${rest.slice(0, 40)}\`.`,
    'query',
  );
}
