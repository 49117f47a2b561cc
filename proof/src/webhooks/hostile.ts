import { randomBytes } from 'node:crypto';
import { check } from '../scenario.ts';
import type { Check } from '../scenario.ts';
import type { Stage } from '../stage/stage.ts';
import type { Endpoint } from './endpoint.ts';
import { postWebhook, signatureOf, under } from './stripe-event.ts';
import type { StripeEvent } from './stripe-event.ts';
import { moneyRows, storedEvents } from './stored.ts';

type Forged = { name: string; url: string; body: string; signature: string | undefined; status: number };

const MINUTES_MS = 60_000;

/** Webhooks that nobody may believe (security-tests rows 33 and 36), about a real payment: `event` is one of its own. */
function forgeries(event: StripeEvent, own: Endpoint, other: Endpoint): Forged[] {
  const [url = ''] = own.urls;
  const [othersUrl = ''] = other.urls;
  const altered = under(event, { amount_refunded: 6_000, refunded: true });
  const body = JSON.stringify(altered);
  const good = signatureOf(body, [own.secret]);
  const at = (name: string, signature: string | undefined, sent = body, status = 400): Forged => ({
    name,
    url,
    body: sent,
    signature,
    status,
  });
  return [
    at('without a signature', undefined),
    at('with an empty one', ''),
    at('with a wrong secret', signatureOf(body, [`whsec_${randomBytes(24).toString('hex')}`])),
    at('with an empty secret', signatureOf(body, [''])),
    at('without a value', `t=${Math.floor(Date.now() / 1_000)},v1=`),
    at('with a value of another scheme alone', good.replace('v1=', 'v0=')),
    at('with the secret of another hotel', signatureOf(body, [other.secret])),
    { ...at('signed for another hotel’s address', good), url: othersUrl },
    at('altered after it was signed', signatureOf(JSON.stringify(event), [own.secret])),
    at('written anew after it was signed', good, JSON.stringify(altered, null, 1)),
    at('signed six minutes ago', signatureOf(body, [own.secret], Date.now() - 6 * MINUTES_MS)),
    at('signed six minutes ahead', signatureOf(body, [own.secret], Date.now() + 6 * MINUTES_MS)),
    at('signed and no JSON', signatureOf('{"id":', [own.secret]), '{"id":'),
    at('signed and no event', signatureOf('{"hello":1}', [own.secret]), '{"hello":1}'),
    {
      ...at('signed, at an account that is none', good),
      url: url.replace(/pa_\w{26}$/, 'pa_01jd0000000000000000000000'),
      status: 404,
    },
  ];
}

/** Each is refused, and nothing of it stays. */
export async function checkForgeries(
  stage: Stage,
  event: StripeEvent,
  own: Endpoint,
  other: Endpoint,
): Promise<Check[]> {
  const before = { events: (await storedEvents(stage)).length, money: await moneyRows(stage) };
  const checks: Check[] = [];
  for (const { name, url, body, signature, status } of forgeries(event, own, other)) {
    const answer = await postWebhook(url, body, signature);
    const isRefused = answer.status === status;
    checks.push(
      check(`36: a webhook ${name} is refused with ${status}`, isRefused, `${answer.status} ${answer.text}`),
    );
  }
  const after = { events: (await storedEvents(stage)).length, money: await moneyRows(stage) };
  const isUntouched = after.events === before.events && after.money === before.money;
  const seen = `${JSON.stringify(before)} became ${JSON.stringify(after)}`;
  return [...checks, check('36: a webhook that is refused leaves nothing behind', isUntouched, seen)];
}

// Enough at once to be a burst for two gateways, few enough not to be the load of another scenario.
const FORGED_AT_ONCE = 150;

/** True events among a flood of forged ones are taken (row 40). */
export async function checkFlood(events: readonly StripeEvent[], { urls, secret }: Endpoint): Promise<Check> {
  const forged = Array.from({ length: FORGED_AT_ONCE }, async (_, nth) => {
    const body = JSON.stringify({ id: `evt_forged${nth}`, object: 'event', data: { object: {} } });
    return await postWebhook(urls[nth % urls.length] ?? '', body, signatureOf(body, ['whsec_forged']));
  });
  const honest = events.map(async (event, nth) => {
    const body = JSON.stringify(event);
    return await postWebhook(urls[nth % urls.length] ?? '', body, signatureOf(body, [secret]));
  });
  const refused = (await Promise.all(forged)).filter(({ status }) => status === 400 || status === 429).length;
  const taken = (await Promise.all(honest)).filter(({ status }) => status === 200).length;
  return check(
    '40: of a flood every forged webhook is refused and every true one taken',
    refused === FORGED_AT_ONCE && taken === events.length && taken > 0,
    `${refused} of ${FORGED_AT_ONCE} refused, ${taken} of ${events.length} taken`,
  );
}
