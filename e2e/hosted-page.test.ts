import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import type { Hotel } from '@centra/dev/seed.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import { waitFor } from '@centra/testkit/pause.ts';
import { chromium } from 'playwright-core';
import { z } from 'zod';
import { operate, paymentBookSchema, paymentWhen } from './operations-under-test.ts';
import { onboardHotel, rows, startPlatformUnderTest } from './platform-under-test.ts';
import type { PlatformUnderTest } from './platform-under-test.ts';

const TIMEOUT_MS = 60_000;
const CHROMIUM = '/usr/bin/chromium';
// As in browser.test.ts: a root session starts it so, and it looks for no host of its vendor's.
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
const skip = existsSync(CHROMIUM) ? false : 'Chromium is not installed';

let platform: PlatformUnderTest;
let hotel: Hotel;
before(async () => {
  if (skip !== false) return;
  platform = await startPlatformUnderTest();
  hotel = await onboardHotel(platform);
});
after(async () => {
  if (skip === false) await platform.end();
});

test(
  'a guest pays on the hosted page in a browser, and the webhook brings the outcome',
  { skip },
  async () => {
    const shop = createServer((_request, response) =>
      response.end('<!doctype html><title>Hotel</title><p>Hotel'),
    );
    await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
    const address = shop.address();
    assert.ok(address !== null && typeof address !== 'string');
    const home = `http://127.0.0.1:${address.port}`;
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
    try {
      const asked = await operate(platform, hotel, '/v1/payments', {
        amount: 24_900,
        currency: 'EUR',
        booking_reference: 'BK-HOSTED',
        hosted: { success_url: `${home}/paid`, cancel_url: `${home}/back` },
      });
      assert.equal(asked.status, 202, asked.text);
      const payment = paymentBookSchema.parse(asked.json);
      assert.equal(payment.status, 'requires_action');
      const page = await browser.newPage();
      page.setDefaultTimeout(TIMEOUT_MS);
      await page.goto(payment.next_action?.redirect_url ?? '');
      await page.getByLabel('Card number').fill('4000002760003184');
      await page.getByLabel('Expiry').fill('12/49');
      await page.getByLabel('CVC').fill('123');
      await page.locator('#pay').click();
      await page.locator('#approve').click();
      await page.waitForURL(`${home}/paid`, { timeout: TIMEOUT_MS });
      const paid = await paymentWhen(
        platform,
        hotel,
        payment.id,
        'paid',
        ({ status }) => status === 'succeeded',
      );
      assert.equal(paid.amount_captured, 24_900);
      await waitFor(
        "Stripe's word of it to be done with",
        async () => {
          const told = await rows(
            platform,
            'transaction',
            `select state from provider_events where payment_id = $1 and type = 'checkout.session.completed'`,
            z.object({ state: z.string() }),
            [fromPublicId('pay', payment.id)],
          );
          return told[0]?.state === 'processed' ? true : undefined;
        },
        TIMEOUT_MS,
      );
    } finally {
      await browser.close();
      shop.closeAllConnections();
      shop.close();
    }
  },
);
