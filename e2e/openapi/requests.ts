import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import type { Description, Operation, Schema } from './description.ts';
import { valueOf } from './values.ts';
import type { Known, World } from './values.ts';
import { junk, oddName, oddSegment, oddText } from './junk.ts';

/** One request to an operation, in a form that prints and replays. */
export type Wanted = {
  credential: 'fitting' | 'none' | 'garbage';
  /** With its query. */
  path: string;
  headers: Readonly<Record<string, string>>;
  /** Text, or bytes that are not text. */
  body: string | { hex: string } | undefined;
};

/** Requests to one operation: two in five as documented, the others wrong in some way. */
export function requestsTo(
  operation: Operation,
  description: Description,
  known: Known,
): fc.Arbitrary<Wanted> {
  const world = { description, known };
  return fc
    .record({
      credential: fc.oneof(
        { weight: 12, arbitrary: fc.constant('fitting' as const) },
        { weight: 1, arbitrary: fc.constant('none' as const) },
        { weight: 1, arbitrary: fc.constant('garbage' as const) },
      ),
      path: pathOf(operation, world),
      query: queryOf(operation, world),
      headers: headersOf(operation, world),
      body: bodyOf(operation, world),
    })
    .map(({ path, query, body, headers, ...rest }) => ({
      ...rest,
      path: `${path}${query === '' ? '' : `?${query}`}`,
      headers: { ...body.headers, ...headers },
      body: body.body,
    }));
}

const PARAMETER = /\{(\w+)\}/g;

function pathOf({ path }: Operation, { known }: World): fc.Arbitrary<string> {
  const parameters = Array.from(path.matchAll(PARAMETER), ([, name = '']) => name);
  const segments = parameters.map((name) =>
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...known.ids(path, name)) },
      { weight: 2, arbitrary: oddSegment },
    ),
  );
  return fc.tuple(...segments).map((chosen) => {
    const rest = [...chosen];
    return path.replaceAll(PARAMETER, () => rest.shift() ?? '');
  });
}

function queryOf({ parameters }: Operation, world: World): fc.Arbitrary<string> {
  const documented = parameters.filter((each) => each.in === 'query');
  const right = fc
    .record(
      Object.fromEntries(documented.map(({ name, schema }) => [name, valueOf(schema, world, name)] as const)),
      { requiredKeys: [] },
    )
    .map((values) => Object.entries(values).map(pair).join('&'));
  const anyName = documented.length === 0 ? oddName : fc.constantFrom(...documented.map(({ name }) => name));
  const odd = fc
    .tuple(fc.oneof(anyName, oddName), oddText)
    .map(([name, value]) => pair([name, value.slice(0, 3_000)]));
  return fc.oneof(
    { weight: 6, arbitrary: documented.length === 0 ? fc.constant('') : right },
    {
      weight: documented.length === 0 ? 1 : 4,
      arbitrary: fc.tuple(right, odd).map((both) => both.filter((part) => part !== '').join('&')),
    },
    { weight: 1, arbitrary: fc.tuple(anyName, anyName).map(([a]) => `${encode(a)}=1&${encode(a)}=1`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '%',
        '%zz=1',
        '&&&',
        '=',
        'limit[]=1',
        'limit=1;cursor=2',
        '%00=%00',
        'a=%c3%28',
      ),
    },
  );
}

function pair([name, value]: [string, unknown]): string {
  return `${encode(name)}=${encode(typeof value === 'string' ? value : JSON.stringify(value))}`;
}

/** Lone surrogates cannot be encoded, and would stop us instead of the gateway. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function headersOf({ parameters }: Operation, world: World): fc.Arbitrary<Record<string, string>> {
  const documented = parameters.filter((each) => each.in === 'header');
  const own = fc
    .tuple(
      ...documented.map(({ name, schema }) =>
        fc
          .oneof(
            { weight: 8, arbitrary: headerValue(name, schema, world) },
            { weight: 1, arbitrary: fc.constant(undefined) },
            {
              weight: 1,
              arbitrary: fc.constantFrom('', ' ', 'k'.repeat(256), 't=1,v1=00', 'same-for-all'),
            },
          )
          .map((value) => [name.toLowerCase(), value] as const),
      ),
    )
    .map((pairs) =>
      Object.fromEntries(pairs.filter((each): each is [string, string] => each[1] !== undefined)),
    );
  const noise = fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.constantFrom<Record<string, string>>(...NOISE) },
  );
  return fc.tuple(own, noise).map(([a, b]) => ({ ...a, ...b }));
}

const NOISE: readonly Record<string, string>[] = [
  { 'x-centra-identity': 'forged.e30.x', 'x-merchant-id': '00000000-0000-0000-0000-000000000000' },
  { 'x-centra-user': 'forged.e30.x', 'x-user-roles': 'owner' },
  { 'x-forwarded-for': `1.2.3.4, ${'9'.repeat(2_000)}`, 'x-forwarded-proto': 'gopher' },
  { 'x-http-method-override': 'DELETE' },
  { accept: 'application/xml;q=0.1, */*;q=banana' },
  { 'accept-language': 'x'.repeat(3_000) },
  { 'accept-encoding': 'br;q=2, gzip;q=-1' },
  { range: 'bytes=0-0', 'if-none-match': '*' },
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { traceparent: '00-zzzz-1-', 'x-request-id': 'req_<script>' },
  { 'user-agent': '() { :;}; x'.repeat(50) },
  { cookie: `a=${'b'.repeat(3_000)}` },
];

function headerValue(name: string, schema: Schema, world: World): fc.Arbitrary<string> {
  if (name === 'Idempotency-Key')
    // New for each request, and not of the seed: a replayed run would be answered from the stored replies.
    return fc.noShrink(fc.nat()).map(() => randomUUID());
  // Others cannot be sent: Node refuses to write them.
  return valueOf(schema, world, name).map((value) => String(value).replaceAll(/[^ -~]/g, '?'));
}

type Body = Pick<Wanted, 'body'> & { headers: Record<string, string> };

function bodyOf({ method, requestBody }: Operation, world: World): fc.Arbitrary<Body> {
  const nothing = fc.constant({ body: undefined, headers: {} });
  if (method === 'GET') return nothing;
  const surprise = fc.constant({ body: '{}', headers: JSON_TYPE });
  if (requestBody === undefined)
    return fc.oneof({ weight: 8, arbitrary: nothing }, { weight: 1, arbitrary: surprise });
  const [content] = Object.entries(requestBody.content);
  if (content === undefined) throw new Error('a body without a type is documented');
  const [type, { schema = {} }] = content;
  const right = valueOf(schema, world, 'body');
  const headers = { 'content-type': type };
  const write = (value: unknown): Body => ({ body: toText(type, value), headers });
  return fc.oneof(
    { weight: 8, arbitrary: right.map(write) },
    { weight: 8, arbitrary: spoilt(right).map(write) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(right, fc.nat())
        .map(([value, n]) => ({ ...spoiltText(toText(type, value), n), headers })),
    },
    { weight: 1, arbitrary: junk.map(write) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(right, fc.constantFrom(...TYPES))
        .map(([value, other]) => ({ body: toText(type, value), headers: other })),
    },
    { weight: 1, arbitrary: nothing },
  );
}

const JSON_TYPE = { 'content-type': 'application/json' };
const TYPES: readonly Record<string, string>[] = [
  {},
  { 'content-type': '' },
  { 'content-type': 'text/plain' },
  { 'content-type': 'application/xml' },
  { 'content-type': 'application/json; charset=utf-16' },
  { 'content-type': 'application/json; charset=utf-8' },
  { 'content-type': 'multipart/form-data; boundary=x' },
  { 'content-type': 'application/x-www-form-urlencoded' },
  { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  { 'content-type': 'application/json, application/json' },
];

function toText(type: string, value: unknown): string {
  if (type !== 'application/x-www-form-urlencoded') return JSON.stringify(value);
  const fields = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return fields.map(([name, each]) => `${encode(name)}=${encode(String(each))}`).join('&');
}

/** The value with one part taken away, replaced by junk, or joined by one that is not documented. */
function spoilt(right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(right, fc.nat(), fc.constantFrom('remove', 'replace', 'add'), junk, oddName)
    .map(([value, place, how, other, name]) => {
      const copy: unknown = structuredClone(value);
      const places = objectsIn(copy);
      const target = places[place % Math.max(1, places.length)];
      if (target === undefined) return other;
      const keys = Object.keys(target);
      const key = how === 'add' ? name : (keys[place % Math.max(1, keys.length)] ?? name);
      if (how === 'remove') delete target[key];
      // Not assigned: a key of that name would change the object's prototype instead of its fields.
      else
        Object.defineProperty(target, key, {
          value: other,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      return copy;
    });
}

function objectsIn(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(objectsIn);
  return isRecord(value) ? [value, ...inner] : inner;
}

function isRecord(value: object): value is Record<string, unknown> {
  return !Array.isArray(value);
}

/** What no serialiser writes. */
function spoiltText(text: string, which: number): Pick<Wanted, 'body'> {
  const first = (inserted: string): string =>
    text.replace('{', () => `{${inserted}${text === '{}' ? '' : ','}`);
  const ways: readonly (() => Wanted['body'])[] = [
    () => first('"__proto__":{"isAdmin":true}'),
    () => first('"constructor":{"prototype":{"isAdmin":true}}'),
    () => first('"amount":1,"amount":2'),
    () => first('"amount":1e400'),
    () => first('"amount":-0'),
    () => first('"amount":9007199254740993'),
    () => first('"\\ud800":1'),
    () => text.slice(0, -1),
    () => `${text}${text}`,
    () => `${text} // end`,
    () => '',
    () => 'null',
    () => '"text"',
    () => '['.repeat(5_000),
    () => bytes(Buffer.from(text.slice(0, -1)), Buffer.from([0xff, 0xfe, 0x7d])),
    () => bytes(Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)),
    () => bytes(Buffer.from(text, 'utf16le')),
    () => `${' '.repeat(256 * 1024)}${text}`,
    () => first(Array.from({ length: 1_100 }, (_, index) => `"k${index}":0`).join(',')),
  ];
  return { body: ways[which % ways.length]?.() };
}

function bytes(...parts: Buffer[]): { hex: string } {
  return { hex: Buffer.concat(parts).toString('hex') };
}
