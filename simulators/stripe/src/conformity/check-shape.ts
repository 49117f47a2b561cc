import { checkObject } from './notation.ts';
import { RESOURCE_SHAPES } from './resource-shapes.ts';

/**
 * How a JSON object differs from Stripe's object of that name (`payment_intent`, `checkout.session`, …): fields that are
 * missing or unknown, wrong types, values outside an enumeration. Empty when it does not.
 * Throws for a name that RESOURCE_SHAPES does not have.
 */
export function checkShape(objectName: string, json: unknown): string[] {
  return checkObject(RESOURCE_SHAPES, objectName, json, objectName, { asText: false });
}
