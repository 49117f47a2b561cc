import { newId } from '../ids.ts';

/** A price made for one line of one session. */
export type InlinePrice = {
  id: string;
  object: 'price';
  active: false;
  billing_scheme: 'per_unit';
  created: number;
  currency: string;
  custom_unit_amount: null;
  livemode: boolean;
  lookup_key: null;
  metadata: Record<string, never>;
  nickname: null;
  product: string;
  recurring: null;
  tax_behavior: string;
  tiers_mode: null;
  transform_quantity: null;
  type: 'one_time';
  unit_amount: number;
  unit_amount_decimal: string;
};

/** The object as the API shows it. */
export type LineItem = {
  id: string;
  object: 'item';
  adjustable_quantity: null;
  amount_discount: number;
  amount_subtotal: number;
  amount_tax: number;
  amount_total: number;
  currency: string;
  description: string;
  metadata: Record<string, string>;
  price: InlinePrice;
  quantity: number;
};

export type LineFacts = {
  name: string;
  currency: string;
  unitAmount: number;
  quantity: number;
  metadata: Record<string, string>;
  taxBehavior: string;
  livemode: boolean;
  /** Unix seconds. */
  now: number;
};

export function newLineItem(facts: LineFacts): LineItem {
  const total = facts.unitAmount * facts.quantity;
  return {
    id: newId('li'),
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: total,
    amount_tax: 0,
    amount_total: total,
    currency: facts.currency,
    description: facts.name,
    metadata: facts.metadata,
    price: {
      id: newId('price'),
      object: 'price',
      active: false,
      billing_scheme: 'per_unit',
      created: facts.now,
      currency: facts.currency,
      custom_unit_amount: null,
      livemode: facts.livemode,
      lookup_key: null,
      metadata: {},
      nickname: null,
      product: newId('prod', 14),
      recurring: null,
      tax_behavior: facts.taxBehavior,
      tiers_mode: null,
      transform_quantity: null,
      type: 'one_time',
      unit_amount: facts.unitAmount,
      unit_amount_decimal: String(facts.unitAmount),
    },
    quantity: facts.quantity,
  };
}
