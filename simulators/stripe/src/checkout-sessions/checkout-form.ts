import { formatAmount } from '../amounts/format-amount.ts';
import { escapeHtml, page } from '../http/page.ts';
import type { SessionRecord } from './checkout-session.ts';

/** The page on which a guest pays; `problem` tells why the last try did not work. */
export function checkoutPage(record: SessionRecord, status: number, problem: string | null) {
  const { session } = record;
  const total = formatAmount(session.amount_total, session.currency, 'en');
  const name = escapeHtml(session.branding_settings.display_name);
  const error = problem ? `<p class="error" role="alert" id="problem">${escapeHtml(problem)}</p>` : '';
  const mode = session.livemode ? '' : '<p class="soft">Test mode: no money moves.</p>';
  const body =
    `<h1>${name}</h1><p class="amount" id="total">${escapeHtml(total)}</p>${lines(record)}${error}` +
    `<form method="post" action="/c/pay/${escapeHtml(session.id)}" autocomplete="on">${email(record)}${CARD_FIELDS}` +
    `<button type="submit" id="pay">Pay ${escapeHtml(total)}</button></form>${back(session.cancel_url)}${mode}`;
  return page(status, `Pay ${session.branding_settings.display_name}`, body);
}

/** Instead of the form: the session cannot be paid any more. */
export function expiredPage({ session }: SessionRecord) {
  const name = escapeHtml(session.branding_settings.display_name);
  const body =
    `<h1>${name}</h1><p id="expired">This payment page has expired. Nothing was charged.</p>` +
    '<p>Go back and start the payment again.</p>' +
    back(session.cancel_url);
  return page(410, 'This payment page has expired', body);
}

export function unknownPage() {
  return page(404, 'Not found', '<h1>Not found</h1><p>This payment page does not exist.</p>');
}

function lines({ lineItems, session }: SessionRecord): string {
  const rows = lineItems.map((item) => {
    const count = item.quantity > 1 ? ` <span class="soft">× ${item.quantity}</span>` : '';
    const amount = escapeHtml(formatAmount(item.amount_total, session.currency, 'en'));
    return `<tr><th scope="row">${escapeHtml(item.description)}${count}</th><td>${amount}</td></tr>`;
  });
  return `<table><tbody>${rows.join('')}</tbody></table>`;
}

function email({ session }: SessionRecord): string {
  if (session.customer_email) return `<p class="soft">${escapeHtml(session.customer_email)}</p>`;
  return '<label>Email <input id="email" name="email" type="email" autocomplete="email" maxlength="254"></label>';
}

/** Names and lengths as browsers know them for filling in a stored card. */
const CARD_FIELDS =
  '<label>Card number <input id="card_number" name="card_number" inputmode="numeric" autocomplete="cc-number" maxlength="23" required></label>' +
  '<div class="row"><label>Expiry (MM/YY) <input id="expiry" name="expiry" inputmode="numeric" autocomplete="cc-exp" maxlength="7" required></label>' +
  '<label>CVC <input id="cvc" name="cvc" inputmode="numeric" autocomplete="cc-csc" maxlength="4" required></label></div>';

function back(cancelUrl: string | null): string {
  return cancelUrl ? `<p class="back"><a id="back" href="${escapeHtml(cancelUrl)}">Back</a></p>` : '';
}
