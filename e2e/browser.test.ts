import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { startDemoHotel } from '@centra/dev/demo-hotel/server.ts';
import type { Hotel } from '@centra/dev/seed.ts';
import { freePort } from '@centra/testkit/free-port.ts';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { journal, onboardHotel, startPlatformUnderTest } from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

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

let platform: PlatformUnderTest;
let hotel: Hotel;
let demo: { url: string; close(): Promise<void> };
let browser: Browser;
before(async () => {
  if (skip !== false) return;
  platform = await startPlatformUnderTest();
  hotel = await onboardHotel(platform);
  demo = await startDemoHotel({ platform, hotel, port: await freePort() });
  browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
});
after(async () => {
  if (skip !== false) return;
  await browser.close();
  await demo.close();
  await platform.end();
});

test('the demo page captures a card in the vault’s iframe and pays', { skip }, async () => {
  const page = await openDemo();
  await pay(page, '4242424242424242');
  await page.waitForSelector('#outcome[data-kind="paid"]', { timeout: TIMEOUT_MS });
  assert.match(await outcomeOf(page), /Paid.*pay_/);
  const charges = (await journal(platform.stripeUrl)).filter((entry) => entry.effect === 'charge.succeeded');
  assert.equal(charges.at(-1)?.amount, 24_900);
  await screenshot(page, 'paid');
  await page.close();
});

test('a declined card shows why, and another card may be tried', { skip }, async () => {
  const page = await openDemo();
  await pay(page, '4000000000009995');
  await page.waitForSelector('#outcome[data-kind="declined"]', { timeout: TIMEOUT_MS });
  assert.match(await outcomeOf(page), /insufficient funds/);
  await screenshot(page, 'declined');
  await pay(page, '5555555555554444');
  await page.waitForSelector('#outcome[data-kind="paid"]', { timeout: TIMEOUT_MS });
  await page.close();
});

test(
  'a wrong number is told in the form, and the same session still takes a right one',
  { skip },
  async () => {
    const page = await openDemo();
    await pay(page, '4242424242424241');
    await page.waitForSelector('#outcome[data-kind="declined"]', { timeout: TIMEOUT_MS });
    assert.match(await outcomeOf(page), /check the card/);
    await pay(page, '4242424242424242');
    await page.waitForSelector('#outcome[data-kind="paid"]', { timeout: TIMEOUT_MS });
    await page.close();
  },
);

test('a card that the bank wants confirmed goes to the bank and comes back paid', { skip }, async () => {
  const page = await openDemo();
  await pay(page, '4000002760003184');
  await page.waitForURL((url) => url.origin === platform.stripeUrl, { timeout: TIMEOUT_MS });
  await screenshot(page, 'challenge');
  await page.getByRole('button', { name: /approve|complete|authori[sz]e/i }).click();
  await page.waitForSelector('#outcome[data-kind="paid"]', { timeout: TIMEOUT_MS });
  await page.close();
});

async function openDemo(): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  await page.goto(demo.url);
  return page;
}

async function pay(page: Page, number: string): Promise<void> {
  const form = page.frameLocator('#capture');
  await form.locator('#card_number').fill(number);
  await form.locator('#cardholder_name').fill('Amina Guest');
  await form.locator('#expiration').fill('12/49');
  await form.locator('#service_code').fill('123');
  await page.locator('#pay:enabled').click();
}

async function outcomeOf(page: Page): Promise<string> {
  return (await page.locator('#outcome').textContent()) ?? '';
}

/** For people who want to look: SCREENSHOTS names a folder. */
async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS'];
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}
