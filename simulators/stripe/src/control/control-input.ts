import type { Response } from 'express';
import type { z } from 'zod';

/** Parses a control request, or answers 400 with what is wrong with it. */
export function readInput<S extends z.ZodType>(
  schema: S,
  input: unknown,
  res: Response,
): z.output<S> | undefined {
  const parsed = schema.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  const words = parsed.error.issues.map(
    (issue) => `${issue.path.map(String).join('.') || 'body'}: ${issue.message}`,
  );
  res.status(400).json({ error: words.join('; ') });
  return undefined;
}
