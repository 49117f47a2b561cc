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
  if (!ok) return show('declined', 'The card form could not be opened. Please try again in a minute.');
  session = body;
  capture.hidden = false;
  capture.src = session.iframe_url;
}
capture.addEventListener('load', () => {
  if (capture.src) payButton.disabled = false;
});

payButton.addEventListener('click', () => {
  payButton.disabled = true;
  show('waiting', 'One moment …');
  // A submit spends the session even when a field is wrong, so the form is asked to look first.
  capture.contentWindow.postMessage('validate', session.iframe_origin);
});

window.addEventListener('message', async (event) => {
  if (!session || event.origin !== session.iframe_origin || event.source !== capture.contentWindow) return;
  const message = event.data;
  if (message && message.card) return pay(message.card.card_token);
  if (message && message.error) {
    show('declined', 'Please check the card details and try again.');
    return begin();
  }
  if (message && message.valid === true)
    return capture.contentWindow.postMessage('submit', session.iframe_origin);
  if (message && message.valid === false) {
    show('declined', 'Please check the card details.');
    payButton.disabled = false;
  }
});

async function pay(cardToken) {
  const { body } = await getJson('/api/pay', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ attempt_id: session.attempt_id, card_token: cardToken }),
  });
  await tell(body.payment ?? body, body);
}

async function tell(payment, answer) {
  if (payment.status === 'succeeded') {
    element('card').hidden = true;
    return show(
      'paid',
      `Paid. Thank you! Your booking reference is ${payment.booking_reference}, payment ${payment.id}.`,
    );
  }
  if (payment.status === 'requires_action') {
    show('waiting', 'Your bank wants to confirm that it is you …');
    sessionStorage.setItem('payment', payment.id);
    return location.assign(payment.next_action.redirect_url);
  }
  if (payment.status === 'processing') {
    show('waiting', 'Your payment is being processed. Please do not pay again; this page follows it.');
    return follow(payment.id);
  }
  show(
    'declined',
    payment.failure?.message ?? answer.detail ?? answer.title ?? 'The payment could not be made.',
  );
  await begin();
}

async function follow(paymentId) {
  for (let look = 0; look < 60; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const { ok, body } = await getJson(`/api/payments/${paymentId}`);
    if (ok && body.status !== 'processing' && body.status !== 'requires_action') return tell(body, body);
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
