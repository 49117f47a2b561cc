// Parameters arrive as text. A zod schema says what an endpoint takes; what zod finds wrong is told in Stripe's words.
import { z } from 'zod';

import { paramAt, type ParamTree } from './form.ts';
import { invalidParameter, type StripeError } from './stripe-error.ts';

/** Longest text Stripe takes where it names no shorter limit. */
const TEXT_MAX = 5_000;

type Problem = { message: string; code?: string };

/** A text that `convert` turns into a value, or into a problem. */
export function scalar<T>(convert: (raw: string) => T | { problem: Problem }) {
  return z.string().transform((raw, ctx): T => {
    const value = convert(raw);
    if (typeof value === 'object' && value !== null && 'problem' in value) {
      ctx.addIssue({
        code: 'custom',
        message: value.problem.message,
        params: { code: value.problem.code },
        input: raw,
      });
      return z.NEVER;
    }
    return value;
  });
}

export const integer = scalar<number>((raw) => {
  const value = Number(raw);
  if (/^-?\d+$/.test(raw) && Number.isSafeInteger(value)) return value;
  return { problem: { message: `Invalid integer: ${raw.slice(0, 50)}`, code: 'parameter_invalid_integer' } };
});

export const boolean = scalar<boolean>((raw) => {
  if (raw === 'true' || raw === 'false') return raw === 'true';
  return { problem: { message: `Invalid boolean: ${raw.slice(0, 50)}` } };
});

/** An empty text unsets the parameter: null. */
export function text(lengthMax = TEXT_MAX) {
  return scalar<string | null>((value) => {
    if (value.length > lengthMax) {
      return {
        problem: {
          message: `Invalid string: ${value.slice(0, 20)}...; must be at most ${lengthMax} characters`,
        },
      };
    }
    return value === '' ? null : value;
  });
}

/** A text that cannot be unset. */
export function requiredText(lengthMax = TEXT_MAX) {
  return scalar<string>((value) => {
    if (value === '') {
      const message =
        'You passed an empty string for a parameter that cannot be unset. ' +
        'You should remove the parameter from your request or supply a non-empty value.';
      return { problem: { message, code: 'parameter_invalid_empty' } };
    }
    if (value.length > lengthMax)
      return { problem: { message: `Invalid string; must be at most ${lengthMax} characters` } };
    return value;
  });
}

/** An address a browser may be sent back to. */
export const url = scalar<string>((value) => {
  const parsed = URL.parse(value);
  if (parsed && (parsed.protocol === 'http:' || parsed.protocol === 'https:') && value.length <= TEXT_MAX)
    return value;
  return { problem: { message: 'Not a valid URL', code: 'url_invalid' } };
});

/** Up to 50 keys of 40 characters with values of 500; an empty value removes its key, an empty `metadata` all of them. */
export const metadata = z.union([z.literal(''), z.record(z.string(), z.string())]).transform((value, ctx) => {
  if (value === '') return { replace: true, values: {} };
  const problem = metadataProblem(value);
  if (problem) ctx.addIssue({ code: 'custom', message: problem, params: {}, input: value });
  return { replace: false, values: { ...value } };
});

export type MetadataChange = { replace: boolean; values: Record<string, string> };

const METADATA_KEYS_MAX = 50;

/** Throws when the outcome has more than 50 keys. */
export function applyMetadata(
  before: Record<string, string>,
  change: MetadataChange | undefined,
): Record<string, string> {
  if (!change) return before;
  const merged = Object.entries({ ...(change.replace ? {} : before), ...change.values }).filter(
    ([, value]) => value !== '',
  );
  if (merged.length > METADATA_KEYS_MAX) {
    throw invalidParameter(
      `Metadata can have at most ${METADATA_KEYS_MAX} keys; ${merged.length} were given.`,
      'metadata',
    );
  }
  return Object.fromEntries(merged);
}

export const expand = z.array(z.string()).max(20).optional();

/** Parses or throws the StripeError for the first thing that is wrong; unknown parameters come first, as at Stripe. */
export function parseParams<S extends z.ZodType>(schema: S, tree: ParamTree): z.output<S> {
  const parsed = schema.safeParse(tree);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues;
  const issue =
    issues.find(({ code }) => code === 'unrecognized_keys') ??
    issues.find(({ path }) => isMissing(tree, path)) ??
    issues[0];
  throw asStripeError(issue, tree);
}

/** `['card', 'number']` as Stripe writes it: `card[number]`. */
export function paramName(path: readonly PropertyKey[]): string {
  const [first, ...rest] = path.map(String);
  return `${first ?? ''}${rest.map((step) => `[${step}]`).join('')}`;
}

function asStripeError(issue: z.core.$ZodIssue | undefined, tree: ParamTree): StripeError {
  if (!issue) return invalidParameter('Invalid request');
  const name = paramName(issue.path);
  if (issue.code === 'unrecognized_keys') return unknownParameters(issue.path, issue.keys);
  if (isMissing(tree, issue.path))
    return invalidParameter(`Missing required param: ${name}.`, name, 'parameter_missing');
  if (issue.code === 'custom') {
    const code: unknown = issue.params?.['code'];
    return invalidParameter(issue.message, name, typeof code === 'string' ? code : undefined);
  }
  if (issue.code === 'invalid_value') {
    return invalidParameter(`Invalid ${name}: must be one of ${inWords(issue.values.map(String))}`, name);
  }
  if (issue.code === 'invalid_type') {
    const wanted = issue.expected === 'object' || issue.expected === 'record' ? 'object' : issue.expected;
    return invalidParameter(`Invalid ${wanted}`, name);
  }
  return invalidParameter(`Invalid ${name}`, name);
}

/** The refusal of parameters an endpoint does not know. */
export function unknownParameters(path: readonly PropertyKey[], keys: readonly string[]): StripeError {
  const names = keys.map((key) => paramName([...path, key]));
  const message = `Received unknown parameter${names.length > 1 ? 's' : ''}: ${names.join(', ')}`;
  return invalidParameter(message, names[0], 'parameter_unknown');
}

function isMissing(tree: ParamTree, path: readonly PropertyKey[]): boolean {
  return paramAt(tree, path) === undefined;
}

function inWords(values: string[]): string {
  if (values.length < 3) return values.join(' or ');
  return `${values.slice(0, -1).join(', ')}, or ${values.at(-1)}`;
}

function metadataProblem(values: Record<string, string>): string | undefined {
  for (const [key, value] of Object.entries(values)) {
    if (key === '' || key.length > 40) return 'Metadata keys must be from 1 to 40 characters long.';
    if (/[[\]]/.test(key)) return 'Metadata keys cannot contain square brackets ([ or ]).';
    if (value.length > 500)
      return `Metadata values can have up to 500 characters, but you passed in a value that is ${value.length} characters.`;
  }
  return Object.keys(values).length > METADATA_KEYS_MAX
    ? `Metadata can have at most ${METADATA_KEYS_MAX} keys.`
    : undefined;
}
