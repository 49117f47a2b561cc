import { z } from 'zod';
import { badRequest } from './vault-error.ts';

/** Reads an action's input; 400 with the first complaint. Unknown fields are ignored, as Vault does. */
export function parseInput<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw badRequest(
    `error converting input for field "${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}`,
  );
}

/** Seconds, as a number or as Vault's "90s", "15m", "2h". */
export const secondsSchema = z.union([
  z.int().min(0),
  z
    .string()
    .regex(/^\d+[smh]?$/)
    .transform(
      (text) => Number.parseInt(text, 10) * (text.endsWith('h') ? 3600 : text.endsWith('m') ? 60 : 1),
    ),
]);

/** A list, or its items in one text with commas. */
export const listSchema = z.union([
  z.array(z.string()),
  z.string().transform((text) => text.split(',').filter((item) => item !== '')),
]);
