import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { OpenCard } from '../cards/card.ts';
import { cardTypeOf } from '../cards/card-rules.ts';
import { escapeHtml } from '../error-page.ts';
import type { Reply } from '../replies.ts';
import { htmlReply } from '../replies.ts';
import type { Card } from '../state.ts';

export type ShowCardPage = { read: (card: Card, open: OpenCard, canReveal: boolean) => Reply };

/** Reads the page's parts once. The service code itself is never in the page. */
export function showCardPage(): ShowCardPage {
  const style = readFileSync(new URL('show-card.css', import.meta.url), 'utf8');
  const script = readFileSync(new URL('show-card.js', import.meta.url), 'utf8');
  return {
    read(card, open, canReveal) {
      const nonce = randomBytes(16).toString('base64');
      const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Card</title>
<style nonce="${nonce}">${style}</style>
</head>
<body>
${cardHtml(card, open, canReveal)}
<script type="module" nonce="${nonce}">
${script}</script>
</body>
</html>`;
      return htmlReply(200, html, nonce);
    },
  };
}

function cardHtml(card: Card, open: OpenCard, canReveal: boolean): string {
  const number = open.card_number.replace(/(\d{4})(?=\d)/g, '$1 ');
  return `<dl>
<div class="wide"><dt>Card number</dt><dd class="number" id="card_number">${escapeHtml(number)}</dd></div>
<div class="wide"><dt>Name on card</dt><dd id="cardholder_name">${escapeHtml(open.cardholder_name)}</dd></div>
<div><dt>Expiry date</dt><dd id="expiration">${card.expiration_month} / ${card.expiration_year}</dd></div>
<div><dt>Card type</dt><dd id="card_type">${escapeHtml(cardTypeOf(open.card_number)?.name ?? card.card_type)}</dd></div>
<div class="wide"><dt>Security code</dt><dd>${serviceCodeHtml(card, canReveal)}</dd></div>
</dl>`;
}

function serviceCodeHtml(card: Card, canReveal: boolean): string {
  if (!card.cvv_present) return 'Not stored';
  if (!canReveal) return 'Hidden';
  return `<span id="service_code" role="status"><button id="reveal" type="button">Show security code</button></span>
<p class="hint" id="service_code_hint">It can be shown once, and is deleted by that.</p>`;
}
