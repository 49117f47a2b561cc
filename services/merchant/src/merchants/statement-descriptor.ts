import { AppError } from '@centra/service-kit/errors.ts';
import { z } from 'zod';

// What every provider and network prints: no accents, and none of < > \ ' " * which Stripe and others refuse.
const CHARACTERS = /^[A-Za-z0-9 .&-]*$/;

/** What guests read on their card statement, as a hotel writes it. */
export const descriptorSchema = z
  .string()
  .trim()
  // Networks print 22 characters; fewer than 5 tell a guest nothing, and Stripe refuses them.
  .min(5)
  .max(22)
  .regex(CHARACTERS, 'may hold Latin letters without accents, digits, spaces and . - & only')
  .regex(/[A-Za-z]/, 'must hold at least one letter')
  .meta({ description: 'What guests read on their card statement', example: 'RIAD ATLAS FES' });

/** A provider's own rule for descriptors, where it has one. */
export type DescriptorRule = {
  /** Characters. */
  min: number;
  max: number;
  pattern: RegExp;
  /** The rule in words: `must be …`. */
  shape: string;
};

/** Throws `descriptor_not_allowed` naming the first provider that does not take the descriptor. */
export function checkDescriptor(
  descriptor: string,
  providers: readonly { label: string; descriptor?: DescriptorRule }[],
): void {
  for (const { label, descriptor: rule } of providers)
    if (rule !== undefined && !isTaken(descriptor, rule))
      throw new AppError('descriptor_not_allowed', {
        detail: `${label}: the statement descriptor ${rule.shape}.`,
        errors: [{ field: 'statement_descriptor', reason: `${label}: ${rule.shape}` }],
      });
}

function isTaken(descriptor: string, rule: DescriptorRule): boolean {
  // A sticky or global pattern would remember where it stopped.
  const pattern = new RegExp(rule.pattern.source, rule.pattern.flags.replaceAll(/[gy]/g, ''));
  return descriptor.length >= rule.min && descriptor.length <= rule.max && pattern.test(descriptor);
}
