import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { test, type TestContext } from 'node:test';

import { chromium, type Page } from 'playwright-core';

import { startRig, type Rig } from '../testing/rig.ts';

const EXECUTABLE = '/usr/bin/chromium';
// Without these a root session cannot start it, and it would look for its vendor's hosts.
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];
const TIMEOUT_MS = 60_000;
const skip = existsSync(EXECUTABLE) ? false : 'Chromium is not installed';

/** The smallest phone that is still in use, and a desktop. */
const SIZES = [
  { name: 'phone', width: 320, height: 640 },
  { name: 'desktop', width: 1_280, height: 800 },
] as const;

for (const { name, width, height } of SIZES) {
  test(
    `on a ${name} a guest sees a decline, passes 3-D Secure and reaches the hotel's page`,
    { skip },
    async (t) => {
      const rig = await startRig(t);
      const hotel = await startHotel(t);
      const page = await openBrowser(t, { width, height });
      const session = await start(rig, hotel);
      await page.goto(session.url ?? '');
      await fits(page);
      await screenshot(page, `checkout-${name}`);
      await fill(page, '4000000000009995');
      await page.waitForSelector('#problem', { timeout: TIMEOUT_MS });
      assert.match((await page.locator('#problem').textContent()) ?? '', /insufficient funds/);
      await fits(page);
      await screenshot(page, `checkout-declined-${name}`);
      await fill(page, '4000002760003184');
      await page.waitForSelector('#approve', { timeout: TIMEOUT_MS });
      await fits(page);
      await screenshot(page, `three-d-secure-${name}`);
      await page.locator('#approve').click();
      await page.waitForURL(`${hotel}/thanks?session=${session.id}`, { timeout: TIMEOUT_MS });
      assert.equal((await rig.stripe.checkout.sessions.retrieve(session.id)).payment_status, 'paid');
      assert.equal((await rig.effects('charge.succeeded')).length, 1);
    },
  );
}

test('the way back leads to the hotel, and an expired page has no form', { skip }, async (t) => {
  const rig = await startRig(t);
  const hotel = await startHotel(t);
  const page = await openBrowser(t, SIZES[0]);
  const session = await start(rig, hotel);
  await page.goto(session.url ?? '');
  await page.locator('#back').click();
  await page.waitForURL(`${hotel}/back`, { timeout: TIMEOUT_MS });
  await rig.stripe.checkout.sessions.expire(session.id);
  await page.goto(session.url ?? '');
  assert.equal(await page.locator('form').count(), 0);
  await screenshot(page, 'checkout-expired');
  assert.match((await page.locator('#expired').textContent()) ?? '', /expired/);
});

function line(name: string, unit_amount: number, quantity: number) {
  return { price_data: { currency: 'mad', unit_amount, product_data: { name } }, quantity };
}

function start(rig: Rig, hotel: string) {
  return rig.stripe.checkout.sessions.create({
    mode: 'payment',
    line_items: [
      line('Suite Atlas, breakfast included, view of the garden', 185_000, 3),
      line('City tax', 2_500, 6),
    ],
    success_url: `${hotel}/thanks?session={CHECKOUT_SESSION_ID}`,
    cancel_url: `${hotel}/back`,
  });
}

async function openBrowser(t: TestContext, viewport: { width: number; height: number }): Promise<Page> {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
  t.after(() => browser.close());
  const page = await browser.newPage({ viewport: { width: viewport.width, height: viewport.height } });
  page.setDefaultTimeout(TIMEOUT_MS);
  return page;
}

/** The shop the guest comes from and goes back to. */
async function startHotel(t: TestContext): Promise<string> {
  const server = createServer((_req, res) => res.end('<!doctype html><title>Hotel</title><p>Hotel</p>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address !== 'string');
  return `http://127.0.0.1:${address.port}`;
}

async function fill(page: Page, number: string): Promise<void> {
  await page.getByLabel('Card number').fill(number);
  await page.getByLabel('Expiry').fill('12/49');
  await page.getByLabel('CVC').fill('123');
  await page.locator('#pay').click();
}

/** Nothing may be wider than the screen. */
async function fits(page: Page): Promise<void> {
  const [content, screen] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  assert.ok(content <= screen, `${content} > ${screen}`);
}

/** For people who want to look: SCREENSHOTS names a folder. */
async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS'];
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}
