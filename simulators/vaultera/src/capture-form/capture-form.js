/*
 * The script of the capture form. SETTINGS, CARD_TYPES and the rules (cardErrors, cardTypeOf) stand
 * before it in the same module. Protocol: the parent posts the bare string "validate" or "submit".
 */
const SUBMIT_PATH = 'capture_form/submit';
/** Longer than the parent should ever wait: the vault answers in well under a second. */
const SUBMIT_TIMEOUT_MS = 60_000;

const form = document.getElementById('card');
const status = document.getElementById('status');
const fields = ['card_number', 'cardholder_name', 'expiration', 'service_code'];
const inputOf = Object.fromEntries(fields.map((name) => [name, document.getElementById(name)]));

const SENTENCES = {
  card_number: {
    "can't be blank": 'Enter the card number.',
    'is invalid': 'This card number is not valid. Please check the digits.',
    'is not accepted': 'This type of card is not accepted here.',
  },
  cardholder_name: {
    "can't be blank": 'Enter the name as it stands on the card.',
    'is invalid': 'Please check the name.',
  },
  expiration: {
    "can't be blank": 'Enter the expiry date.',
    'is invalid': 'Enter the date as month and year, like 08 / 29.',
    'has expired': 'This card has expired.',
  },
  service_code: {
    "can't be blank": 'Enter the security code.',
    'is invalid': 'Please check the security code.',
  },
};

/** The details as the vault takes them. */
function details() {
  const [month = '', year = ''] = inputOf.expiration.value.split('/').map((part) => part.trim());
  return {
    card_number: inputOf.card_number.value.replace(/\D/g, ''),
    cardholder_name: inputOf.cardholder_name.value.trim(),
    expiration_month: month,
    expiration_year: year.length === 2 ? `20${year}` : year,
    service_code: inputOf.service_code.value.trim(),
  };
}

function currentErrors() {
  const nowMs = Date.now() + SETTINGS.clockOffsetMs;
  return cardErrors(details(), { nowMs, accepted: SETTINGS.accepted, serviceCodeRequired: true });
}

/** The vault knows month and year; the guest sees one field. */
function errorsByField(errors) {
  const { expiration_month, expiration_year, ...rest } = errors;
  return { ...rest, expiration: expiration_month ?? expiration_year };
}

function showError(name, words) {
  const input = inputOf[name];
  const line = document.getElementById(`${name}_error`);
  line.textContent = words === undefined ? '' : (SENTENCES[name][words] ?? words);
  line.hidden = words === undefined;
  if (words === undefined) input.removeAttribute('aria-invalid');
  else input.setAttribute('aria-invalid', 'true');
  if (name === 'service_code') document.getElementById('service_code_hint').hidden = words !== undefined;
}

function showErrors(errors) {
  const byField = errorsByField(errors);
  for (const name of fields) showError(name, byField[name]?.[0]);
  const first = fields.find((name) => byField[name] !== undefined);
  if (first !== undefined) inputOf[first].focus();
}

function validate() {
  const errors = currentErrors();
  showErrors(errors);
  return { valid: Object.keys(errors).length === 0, errors };
}

let sending = false;

/** Sends the card; the session is spent by this, whatever the answer. */
async function submit() {
  sending = true;
  setDisabled(true);
  showStatus('Saving your card…', false);
  const answer = await send();
  sending = false;
  if (answer.card === undefined) {
    showStatus('', false);
    setDisabled(false);
    showErrors(answer.error.details ?? {});
    if (answer.error.details === undefined)
      showStatus('Your card could not be saved. Please try again.', true);
  } else {
    // The page needs neither any more.
    inputOf.card_number.value = `•••• ${answer.card.card_number.slice(-4)}`;
    inputOf.service_code.value = '';
    inputOf.service_code.placeholder = '';
    showStatus('Your card is saved.', false);
  }
  return answer;
}

async function send() {
  const here = new URLSearchParams(location.search);
  const filter = new URLSearchParams([...here].filter(([name]) => name === 'only' || name === 'except'));
  try {
    const response = await fetch(`${SUBMIT_PATH}?${filter}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ session_token: here.get('session_token'), card: details() }),
      signal: AbortSignal.timeout(SUBMIT_TIMEOUT_MS),
    });
    const answer = await response.json();
    if (answer.card !== undefined) return { card: answer.card };
    return { error: answer.error ?? { code: 'unknown', title: `Unexpected answer ${response.status}` } };
  } catch {
    return { error: { code: 'network_error', title: 'The card vault could not be reached' } };
  }
}

function showStatus(words, wrong) {
  status.textContent = words;
  status.classList.toggle('wrong', wrong);
}

function setDisabled(disabled) {
  for (const name of fields) inputOf[name].disabled = disabled;
}

window.addEventListener('message', (event) => {
  // Only the page that embeds the form may drive it; a sandboxed parent has no origin to answer to.
  if (event.source !== window.parent || event.origin === 'null') return;
  const reply = (answer) => window.parent.postMessage(answer, event.origin);
  if (event.data === 'validate') reply(validate());
  // A second "submit" while one is under way is ignored; the first will be answered.
  if (event.data === 'submit' && !sending) void submit().then(reply);
});

/** The type of the card and the place of its security code, while the number is typed. */
function showType() {
  const known = cardTypeOf(inputOf.card_number.value.replace(/\D/g, ''));
  document.getElementById('card_type').textContent = known === undefined ? '' : known.name;
  const length = known?.cvvLength ?? 3;
  inputOf.service_code.maxLength = length;
  document.getElementById('service_code_hint').textContent =
    length === 4 ? '4 digits on the front' : '3 digits on the back';
}

/** Groups of four, or 4-6-5 for American Express, as printed on the card. */
function grouped(digits) {
  const groups = cardTypeOf(digits)?.type === 'amex' ? /^(\d{1,4})(\d{1,6})?(\d{1,5})?/ : /(\d{1,4})/g;
  const parts = groups.global ? digits.match(groups) : digits.match(groups)?.slice(1);
  return (parts ?? []).filter(Boolean).join(' ');
}

inputOf.card_number.addEventListener('input', () => {
  const input = inputOf.card_number;
  const digitsBefore = input.value.slice(0, input.selectionStart).replace(/\D/g, '').length;
  input.value = grouped(input.value.replace(/\D/g, '').slice(0, 19));
  // Keep the caret behind the digit it was behind, also after an edit in the middle.
  let caret = 0;
  for (let seen = 0; seen < digitsBefore && caret < input.value.length; caret += 1) {
    if (input.value[caret] !== ' ') seen += 1;
  }
  input.setSelectionRange(caret, caret);
  showType();
});

inputOf.expiration.addEventListener('input', (event) => {
  const input = inputOf.expiration;
  if (event.inputType?.startsWith('delete') || input.selectionStart !== input.value.length) return;
  const digits = input.value.replace(/\D/g, '').replace(/^([2-9])/, '0$1');
  if (/^\d\s*\/$/.test(input.value)) input.value = `0${digits.slice(-1)} / `;
  else input.value = digits.length >= 2 ? `${digits.slice(0, 2)} / ${digits.slice(2, 6)}` : digits;
});

inputOf.service_code.addEventListener('input', () => {
  inputOf.service_code.value = inputOf.service_code.value.replace(/\D/g, '');
});

for (const name of fields) {
  // An untouched field is not wrong yet; a field that was wrong is looked at again with every key.
  inputOf[name].addEventListener('blur', () => {
    if (inputOf[name].value !== '') showError(name, errorsByField(currentErrors())[name]?.[0]);
  });
  inputOf[name].addEventListener('input', () => {
    if (inputOf[name].hasAttribute('aria-invalid'))
      showError(name, errorsByField(currentErrors())[name]?.[0]);
  });
}

// The button is the parent's; Enter only points out what is still wrong.
form.addEventListener('submit', (event) => {
  event.preventDefault();
  validate();
});
