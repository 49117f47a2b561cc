import { formatForDisplay } from '@centra/money/format-amount.ts';
import type { SimulatorChallenge } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { escapeHtml } from '@centra/service-kit/escape-html.ts';
import { CHALLENGE_STYLE } from './challenge-style.ts';

/** What the guest may choose; the value of the form's one field. */
export const CHALLENGE_ANSWERS = ['approve', 'decline', 'cancel'] as const;
export type ChallengeAnswer = (typeof CHALLENGE_ANSWERS)[number];

/** The simulated bank's question. Works without script; every value in it is escaped. */
export function renderChallenge(challenge: SimulatorChallenge): string {
  const { amount, card } = challenge;
  if (amount === undefined) throw new Error('transaction sent a challenge without an amount');
  const rows: [string, string][] = [['Amount', formatForDisplay(amount, 'en')]];
  if (card !== undefined && card.last4 !== '')
    rows.push(['Card', `${nameOf(card.brand)} ending in ${card.last4}`]);
  if (challenge.bookingReference !== '') rows.push(['Booking', challenge.bookingReference]);
  return page(
    'Confirm your payment',
    `<p class="quiet">Your bank asks whether it is really you who pays.</p>
<dl>
${rows.map(([name, value]) => `<div><dt>${name}</dt><dd><bdi>${escapeHtml(value)}</bdi></dd></div>`).join('\n')}
</dl>
<form method="post">
<button class="yes" name="answer" value="approve">Approve</button>
<button class="no" name="answer" value="decline">Decline</button>
<button class="plain" name="answer" value="cancel">Cancel and go back</button>
</form>`,
  );
}

/** A page that only says something. */
export function renderNotice(title: string, text: string): string {
  return page(title, `<p>${escapeHtml(text)}</p>`);
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)} – simulated bank</title>
<style>${CHALLENGE_STYLE}</style>
</head>
<body>
<main>
<p class="notice"><strong>Simulated bank.</strong> This is a test: no real money moves.</p>
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>
`;
}

/** `visa` → `Visa` */
function nameOf(brand: string): string {
  return brand === '' ? 'Card' : `${brand.slice(0, 1).toUpperCase()}${brand.slice(1)}`;
}
