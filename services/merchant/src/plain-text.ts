import { z } from 'zod';

// Control characters and bidirectional overrides would let a name forge log lines or show as another name.
const CONTROL = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

/** One line of text that people wrote, of 1 to `max` characters, trimmed. */
export function plainText(max: number): z.ZodString {
  return z
    .string()
    .trim()
    .min(1)
    .max(max)
    .refine((text) => !CONTROL.test(text), 'must not contain control characters');
}
