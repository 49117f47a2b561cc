import { toPublicId } from '@centra/service-kit/ids.ts';
import { defineEntity, p } from '@mikro-orm/core';
import type { InferEntity } from '@mikro-orm/core';
import { z } from 'zod';

export const Factor = defineEntity({
  name: 'Factor',
  tableName: 'factors',
  properties: {
    userId: p.uuid().primary(),
    id: p.uuid().primary(),
    kind: p.enum(['totp'] as const),
    name: p.text(),
    // Lazy: the role that reads may not see them.
    sealedSecret: p.text().lazy(),
    createdAt: p.datetime().defaultRaw('now()'),
    confirmedAt: p.datetime().nullable(),
    lastStep: p.bigint('bigint').nullable().lazy(),
  },
});

export type FactorRow = Omit<InferEntity<typeof Factor>, 'sealedSecret' | 'lastStep'>;

/** Minutes within which an added factor must be confirmed. Time to install an app. */
export const CONFIRM_MINUTES = 15;

/** A code as people type it: of the app, or a recovery code. */
export const codeSchema = z.string().min(1).max(64).meta({
  description: 'The six digits that the authenticator app shows, or a recovery code. Each is good once.',
  example: '492039',
});

export const factorNameSchema = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Bidi_Control}\u2028\u2029]*$/u, 'must not contain control characters')
  .meta({ description: 'For people, 1 to 100 characters', example: 'Phone' });

export const factorSchema = z
  .object({
    id: z.string().meta({ example: 'fac_01jd0000000000000000000000' }),
    name: z.string(),
    kind: z.literal('totp'),
    confirmed: z.boolean().meta({ description: 'Whether it is asked for at log-in' }),
    created_at: z.iso.datetime({ offset: true }),
  })
  .meta({ id: 'Factor', description: 'A second factor' });

export const recoveryCodesSchema = z.array(z.string()).meta({
  description: 'Ten codes, each good once in place of the app. Shown this once.',
  example: ['k3fh-92mz-7wqt-x0cd-5bnr-8gvp-1jys'],
});

/** The public form. */
export function toJson(factor: FactorRow): z.infer<typeof factorSchema> {
  return {
    id: toPublicId('fac', factor.id),
    name: factor.name,
    kind: factor.kind,
    confirmed: (factor.confirmedAt ?? null) !== null,
    created_at: factor.createdAt.toISOString(),
  };
}
