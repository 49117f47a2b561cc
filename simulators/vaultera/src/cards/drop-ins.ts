import type { Assumptions } from '../assumptions.ts';
import { escapedValue, wipedServiceCode } from '../assumptions.ts';
import type { Card } from '../state.ts';
import type { OpenCard } from './card.ts';

/** Exactly the seven the vendor documents; anything else between percent signs is left as it is. */
const DROP_IN =
  /%(CARD_NUMBER|CARDHOLDER_NAME|SERVICE_CODE|EXPIRATION_MM|EXPIRATION_YYYY|EXPIRATION_YY|CARD_TYPE)%/g;

const PERCENT = 0x25;

/**
 * Fills the drop-ins of a request body. All other bytes stay as they are, whatever they are: the body is handled
 * as latin1, one character a byte, and values go in as the bytes of their UTF-8 form. One pass, so that a name
 * which spells a drop-in is not filled again.
 */
export function fillDropIns(
  body: Buffer,
  contentType: string | undefined,
  card: Card,
  open: OpenCard,
  assumptions: Assumptions,
): Buffer {
  if (!body.includes(PERCENT)) return body;
  const mediaType = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const filled = body.toString('latin1').replace(DROP_IN, (placeholder, name: string) => {
    const value = valueOf(name, card, open, assumptions);
    if (value === undefined) return placeholder;
    return Buffer.from(escapedValue(value, mediaType, assumptions), 'utf8').toString('latin1');
  });
  return Buffer.from(filled, 'latin1');
}

function valueOf(name: string, card: Card, open: OpenCard, assumptions: Assumptions): string | undefined {
  switch (name) {
    case 'CARD_NUMBER':
      return open.card_number;
    case 'CARDHOLDER_NAME':
      return open.cardholder_name;
    case 'SERVICE_CODE':
      return open.service_code ?? wipedServiceCode(assumptions);
    case 'EXPIRATION_MM':
      return card.expiration_month;
    case 'EXPIRATION_YYYY':
      return card.expiration_year;
    case 'EXPIRATION_YY':
      return card.expiration_year.slice(-2);
    case 'CARD_TYPE':
      return card.card_type;
    default:
      return undefined;
  }
}
