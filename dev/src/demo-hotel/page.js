// The page's half of a card payment: it shows the vault's form, hears the card token, and lets the server charge.
const element = (id) => document.getElementById(id);
const capture = element('capture');
const payButton = element('pay');
let session;

function show(kind, text) {
  const outcome = element('outcome');
  outcome.dataset.kind = kind;
  outcome.textContent = text;
}

async function getJson(path, options) {
  const answer = await fetch(path, options);
  return { ok: answer.ok, status: answer.status, body: await answer.json() };
}

function money(amount, currency) {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).format(amount / 100);
}

// A capture session is good for one submit, whether it ends well or not, so each try begins with a new one.
async function begin() {
  payButton.disabled = true;
  const { ok, body } = await getJson('/api/session');
  if (!ok) {
    show('declined', 'The card form could not be opened. Please try again in a minute.');
    return;
  }
  session = body;
  capture.hidden = false;
  capture.src = session.iframe_url;
}

capture.addEventListener('load', () => {
  if (session) payButton.disabled = false;
});

payButton.addEventListener('click', () => {
  payButton.disabled = true;
  show('waiting', 'One moment …');
  // A submit spends the session even when a field is wrong, so the form is asked to look first.
  capture.contentWindow.postMessage('validate', session.iframe_origin);
});

window.addEventListener('message', (event) => {
  if (!session || event.origin !== session.iframe_origin || event.source !== capture.contentWindow) return;
  hear(event.data ?? {}).catch(() => show('declined', 'Something went wrong. Please reload the page.'));
});

async function hear(message) {
  if (message.card) await pay(message.card.card_token);
  else if (message.error) {
    show('declined', 'Please check the card details and try again.');
    await begin();
  } else if (message.valid === true) {
    capture.contentWindow.postMessage('submit', session.iframe_origin);
  } else if (message.valid === false) {
    show('declined', 'Please check the card details.');
    payButton.disabled = false;
  }
}

// An answer that is lost, late or "try again" says nothing of the money. The same attempt is asked again, which charges
// once however often it is sent; a new attempt begins only after a clear no.
const TRIES_MAX = 40;

async function pay(cardToken) {
  const body = JSON.stringify({ attempt_id: session.attempt_id, card_token: cardToken });
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const answer = await getJson('/api/pay', request).catch(() => undefined);
    if (answer !== undefined && answer.status !== 409 && answer.status !== 429 && answer.status < 500) {
      await tell(answer.body.payment ?? answer.body, answer.body);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  show('waiting', 'We could not learn the outcome. Please ask the hotel before you pay again.');
}

async function tell(payment, answer) {
  switch (payment.status) {
    case 'succeeded':
      element('card').hidden = true;
      show(
        'paid',
        `Paid. Thank you! Your booking reference is ${payment.booking_reference}, payment ${payment.id}.`,
      );
      break;
    case 'requires_action':
      show('waiting', 'Your bank wants to confirm that it is you …');
      sessionStorage.setItem('payment', payment.id);
      location.assign(payment.next_action.redirect_url);
      break;
    case 'processing':
      show('waiting', 'Your payment is being processed. Please do not pay again; this page follows it.');
      await follow(payment.id);
      break;
    default:
      show(
        'declined',
        payment.failure?.message ?? answer.detail ?? answer.title ?? 'The payment could not be made.',
      );
      await begin();
  }
}

async function follow(paymentId) {
  for (let look = 0; look < 60; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const { ok, body } = await getJson(`/api/payments/${paymentId}`);
    if (ok && body.status !== 'processing' && body.status !== 'requires_action') {
      await tell(body, body);
      return;
    }
  }
  show('waiting', 'This takes longer than usual. The hotel will write to you; you are not charged twice.');
}

const { body: stay } = await getJson('/api/stay');
element('room').textContent = stay.room;
element('price').textContent = money(stay.amount, stay.currency);
payButton.textContent = `Pay ${money(stay.amount, stay.currency)}`;

const returned = location.pathname === '/return' && sessionStorage.getItem('payment');
if (returned) {
  show('waiting', 'Checking with your bank …');
  await follow(returned);
} else {
  await begin();
}
