import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { maskedNumber, maskedServiceCode, normalizedExpiry } from '../assumptions.ts';
import type { Call } from '../call.ts';
import { pathValue } from '../call.ts';
import type { Context } from '../context.ts';
import { recordEffect } from '../context.ts';
import { notFound } from '../replies.ts';
import type { Card, Snapshot } from '../state.ts';
import type { CardDetails } from './card-rules.ts';
import { cardTypeOf } from './card-rules.ts';

/** What a card holds in the clear, while one request uses it. */
export type OpenCard = { card_number: string; cardholder_name: string; service_code: string | undefined };

/** What is sealed under a card's name; the service code is sealed apart, so that it can go first. */
const keptSchema = z.object({ card_number: z.string(), cardholder_name: z.string() });

/** The card named in the path. Throws 404 also for a card of another account. */
export function cardInPath(ctx: Context, accountId: string, call: Call): Card {
  return findCard(ctx, accountId, pathValue(call, 'card_token'));
}

export function findCard(ctx: Context, accountId: string, token: string): Card {
  const card = ctx.state.cards.get(token);
  if (card === undefined || card.account_id !== accountId) throw notFound();
  return card;
}

/** Stores checked details under a new token. `alsoChanged` is journalled on the same line as the card. */
export async function storeCard(
  ctx: Context,
  accountId: string,
  details: CardDetails,
  alsoChanged: Snapshot[],
): Promise<Card> {
  const number = details.card_number;
  const card: Card = {
    object: 'card',
    token: randomBytes(16).toString('hex'),
    account_id: accountId,
    first6: number.slice(0, 6),
    last4: number.slice(-4),
    length: number.length,
    card_type: cardTypeOf(number)?.type ?? 'unknown',
    ...normalizedExpiry(details),
    cvv_present: details.service_code !== '',
    deleted: false,
  };
  const kept = { card_number: number, cardholder_name: details.cardholder_name.trim() };
  const secrets = new Map([[cardSecret(card.token), JSON.stringify(kept)]]);
  if (card.cvv_present) secrets.set(serviceCodeSecret(card.token), details.service_code);
  await ctx.secrets.put(secrets);
  const masked = maskedNumber(card, ctx.assumptions);
  const fields = { account: accountId, token: card.token, masked, card_type: card.card_type };
  await recordEffect(ctx, 'card.created', fields, [...alsoChanged, card]);
  return card;
}

/** Wipes the service code, first for every other request, then for good. Without one it does nothing. */
export async function wipeServiceCode(
  ctx: Context,
  card: Card,
  reason: 'authorized' | 'revealed',
  alsoChanged: Snapshot[] = [],
): Promise<void> {
  const names = [serviceCodeSecret(card.token)];
  ctx.secrets.forget(names);
  const fields = { account: card.account_id, token: card.token, reason };
  await recordEffect(ctx, 'cvv.wiped', fields, [...alsoChanged, { ...card, cvv_present: false }]);
  await ctx.secrets.remove(names);
}

/** Unseals a card for one request. */
export function openCard(ctx: Context, card: Card): OpenCard {
  const kept = ctx.secrets.get(cardSecret(card.token));
  if (kept === undefined) throw notFound();
  const { card_number, cardholder_name } = keptSchema.parse(JSON.parse(kept));
  const service_code = card.cvv_present ? ctx.secrets.get(serviceCodeSecret(card.token)) : undefined;
  return { card_number, cardholder_name, service_code };
}

export function maskedCard(ctx: Context, card: Card): Record<string, unknown> {
  return {
    card_token: card.token,
    card_number: maskedNumber(card, ctx.assumptions),
    card_type: card.card_type,
    cardholder_name: openCard(ctx, card).cardholder_name,
    expiration_month: card.expiration_month,
    expiration_year: card.expiration_year,
    ...maskedServiceCode(card),
  };
}

export function cardData(ctx: Context, card: Card): Record<string, unknown> {
  return { data: { id: card.token, type: 'card', attributes: maskedCard(ctx, card) } };
}

/** Names of a card's sealed secrets, as they stand in the store. */
export function secretNames(card: Card): string[] {
  return card.cvv_present
    ? [cardSecret(card.token), serviceCodeSecret(card.token)]
    : [cardSecret(card.token)];
}

function cardSecret(token: string): string {
  return `${token}.card`;
}

function serviceCodeSecret(token: string): string {
  return `${token}.service-code`;
}
