import { z } from 'zod';
import { isCurrency } from '@centra/money/currency.ts';
import { isCalendarDate, nightsBetween } from './calendar-date.ts';

// A booking of a group lists its rooms by quantity. More lines than these would not fit the trailers of a gRPC refusal,
// in which a new quote travels (redeem-quote.ts).
const ITEMS_MAX = 20;
// A year and its leap day; who stays longer books again.
const NIGHTS_MAX = 366;

const date = z.string().refine(isCalendarDate, 'must be a day of the calendar like 2026-07-01');

const itemSchema = z
  .strictObject({
    item: z
      .string()
      .regex(/^[a-z0-9._-]{1,100}$/, 'must be an item of the pricing, like room.double')
      .meta({ description: 'An item of the pricing', example: 'room.double' }),
    quantity: z
      .int('must be a whole number')
      .min(1)
      .max(1_000)
      .default(1)
      .meta({ description: 'How many of it; hours, where the item is priced by duration', example: 1 }),
    check_in: date.optional().meta({ description: 'First night, or the day of it', example: '2026-07-01' }),
    check_out: date.optional().meta({ description: 'The day after the last night', example: '2026-07-04' }),
    nights: z
      .int('must be a whole number')
      .min(1)
      .max(NIGHTS_MAX)
      .optional()
      .meta({ description: 'Instead of dates, where the price does not depend on the season' }),
  })
  .superRefine((item, check) => {
    const { check_in: checkIn, check_out: checkOut, nights } = item;
    const issue = (field: string, message: string) =>
      check.addIssue({ code: 'custom', path: [field], message });
    if (checkOut === undefined) return;
    if (checkIn === undefined) return issue('check_in', 'is missing');
    // Refused already, each under its own name.
    if (!isCalendarDate(checkIn) || !isCalendarDate(checkOut)) return;
    const counted = nightsBetween(checkIn, checkOut);
    if (counted < 1) issue('check_out', 'must be after check_in');
    else if (counted > NIGHTS_MAX) issue('check_out', `must be at most ${NIGHTS_MAX} nights after check_in`);
    else if (nights !== undefined && nights !== counted)
      issue('nights', `is not what the dates say (${counted})`);
  });

/** The body of `POST /v1/quotes`. */
export const quoteRequestSchema = z
  .strictObject({
    currency: z
      .string()
      .refine(isCurrency, 'must be an upper-case ISO 4217 code in use')
      .meta({ description: 'ISO 4217; one that the pricing has prices in', example: 'EUR' }),
    items: z.array(itemSchema).min(1).max(ITEMS_MAX),
    discount_codes: z
      .array(
        z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, 'must be 1 to 32 characters of A-Z 0-9 _ -')
          .toUpperCase(),
      )
      // Each takes off what the ones before it left; nobody honestly holds more.
      .max(5)
      .refine((codes) => new Set(codes).size === codes.length, 'names a code twice')
      .default([])
      .meta({ description: 'Codes that the guest gave', example: ['SPRING'] }),
    guests: z
      .int('must be a whole number')
      .min(1)
      .max(1_000)
      .default(1)
      .meta({ description: 'Guests of the stay, for taxes per person and night', example: 2 }),
  })
  .meta({ id: 'QuoteRequest' });

/** What is to be priced, with defaults filled in. */
export type QuoteRequest = z.infer<typeof quoteRequestSchema>;
export type QuoteItem = QuoteRequest['items'][number];
