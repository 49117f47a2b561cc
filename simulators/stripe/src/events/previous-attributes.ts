/**
 * What the fields that differ were before, as an event's `previous_attributes` shows them: inside objects only the parts that
 * changed, and null for a field that was not there.
 */
export function previousAttributes(before: object, after: object): Record<string, unknown> {
  const previous: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const was: unknown = Reflect.get(before, name);
    const is: unknown = Reflect.get(after, name);
    if (JSON.stringify(was) === JSON.stringify(is)) continue;
    previous[name] = isPlain(was) && isPlain(is) ? previousAttributes(was, is) : (was ?? null);
  }
  return previous;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
