/* The script of the show-card page: reveals the security code once. */
const REVEAL_PATH = 'show_card/reveal';
/** The vault answers in well under a second; after this the user should be told. */
const REVEAL_TIMEOUT_MS = 30_000;

const button = document.getElementById('reveal');
const code = document.getElementById('service_code');
const hint = document.getElementById('service_code_hint');

button?.addEventListener('click', () => void reveal());

async function reveal() {
  button.disabled = true;
  const here = new URLSearchParams(location.search);
  try {
    const response = await fetch(REVEAL_PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        card_token: here.get('card_token'),
        service_code_token: here.get('service_code_token'),
      }),
      signal: AbortSignal.timeout(REVEAL_TIMEOUT_MS),
    });
    const answer = await response.json();
    if (answer.service_code === undefined) throw new Error('refused');
    code.textContent = answer.service_code;
    hint.textContent = 'Shown once. It is no longer stored.';
  } catch {
    code.textContent = 'Not available';
    hint.textContent = 'The security code could not be shown.';
  }
}
