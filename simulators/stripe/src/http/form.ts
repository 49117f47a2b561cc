// Reads `metadata[a]=b&payment_method_types[0]=card`, the way Stripe nests its parameters.

export type Param = string | Param[] | ParamTree;
export type ParamTree = { [name: string]: Param };

/** Stripe's deepest documented parameter has six levels. */
const DEPTH_MAX = 8;
/** Far above any real request, far below what would keep the process busy. */
const PAIRS_MAX = 1_000;

/** Undefined when the text is not a form: too many pairs, too deep, or brackets that do not pair up. */
export function parseForm(text: string): ParamTree | undefined {
  const root = emptyTree();
  if (text === '') return root;
  const pairs = text.split('&');
  if (pairs.length > PAIRS_MAX) return undefined;
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = decode(equals < 0 ? '' : pair.slice(equals + 1));
    const path = name === undefined ? undefined : splitName(name);
    if (!path || value === undefined || !place(root, path, value)) return undefined;
  }
  return withArrays(root);
}

/** One spelling for equal parameters, whatever their order, for the comparison of idempotent requests. */
export function canonical(param: Param): string {
  if (typeof param === 'string') return JSON.stringify(param);
  if (Array.isArray(param)) return `[${param.map(canonical).join(',')}]`;
  const pairs = Object.entries(param).map(([name, value]) => `${JSON.stringify(name)}:${canonical(value)}`);
  return `{${pairs.toSorted().join(',')}}`;
}

/** The value at a path, or undefined. */
export function paramAt(tree: ParamTree, path: readonly PropertyKey[]): Param | undefined {
  let current: Param | undefined = tree;
  for (const step of path) {
    if (current === undefined || typeof current === 'string') return undefined;
    current = Array.isArray(current) ? current[Number(step)] : current[String(step)];
  }
  return current;
}

function emptyTree(): ParamTree {
  // No prototype: a parameter named __proto__ or constructor is just an unknown parameter.
  const tree: ParamTree = Object.create(null);
  return tree;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function splitName(name: string): string[] | undefined {
  const first = name.indexOf('[');
  if (first < 0) return [name];
  if (first === 0 || !name.endsWith(']')) return undefined;
  const path = [name.slice(0, first), ...name.slice(first + 1, -1).split('][')];
  return path.length > DEPTH_MAX ? undefined : path;
}

/** Lists arrive as `a[]=x` or `a[0]=x`; both are kept under their index first and become arrays afterwards. */
function place(root: ParamTree, path: string[], value: string): boolean {
  let tree = root;
  for (const [depth, step] of path.entries()) {
    const name = step === '' ? String(Object.keys(tree).length) : step;
    if (depth === path.length - 1) {
      tree[name] = value;
      return true;
    }
    const next = (tree[name] ??= emptyTree());
    if (typeof next === 'string' || Array.isArray(next)) return false;
    tree = next;
  }
  return true;
}

function withArrays(tree: ParamTree): ParamTree {
  for (const [name, value] of Object.entries(tree)) {
    if (typeof value === 'string' || Array.isArray(value)) continue;
    const inner = withArrays(value);
    const keys = Object.keys(inner);
    const isList = keys.length > 0 && keys.every((key, at) => key === String(at));
    tree[name] = isList ? Object.values(inner) : inner;
  }
  return tree;
}
