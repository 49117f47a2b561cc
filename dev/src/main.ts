import { join } from 'node:path';
import { startDemoHotel } from './demo-hotel/server.ts';
import { repositoryRoot } from './child.ts';
import { startPlatform } from './platform.ts';
import type { Platform } from './platform.ts';
import { seedDemoHotel } from './demo-hotel/seed-demo-hotel.ts';
import type { DemoHotel } from './demo-hotel/seed-demo-hotel.ts';
import type { Hotel } from './seed.ts';
import { captureTestCard, receiptLine, takePayment } from './take-payment.ts';
import { freePortOr } from '@centra/testkit/free-port.ts';

// npm start: the whole platform, one real payment through the public door, and then it stays up.
const DEMO_PORT = 3002;
// Another folder for a second copy beside the first.
const dataDir = process.env['CENTRA_DATA_DIR'] ?? join(repositoryRoot, '.data');
const once = process.argv.includes('--once');
const say = (line: string): void => console.log(line);

const stopping = new Promise<void>((resolve) => {
  process.once('SIGINT', () => resolve());
  process.once('SIGTERM', () => resolve());
});

const startedAt = performance.now();
say('Starting Postgres, five services and five provider simulators …');
const platform = await startPlatform({
  dataDir,
  ports: 'documented',
  extraSimulators: true,
  say,
  onCrash: (name, code, signal, lastLines) =>
    say(`${name} ended unexpectedly (${signal ?? code}); its last words:\n${lastLines}`),
}).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
let isGood = false;
try {
  isGood = await run(platform);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
}
await platform.stop();
say(`Stopped. The data stays in ${dataDir}; the next start continues with it.`);
process.exit(isGood ? 0 : 1);

/** True when the payment succeeded (and, unless --once, somebody then stopped the platform). */
async function run(on: Platform): Promise<boolean> {
  const demoPort = await freePortOr(DEMO_PORT);
  const hotel = await seedDemoHotel(on, `http://127.0.0.1:${demoPort}`);
  const demo = await startDemoHotel({ platform: on, hotel, port: demoPort });
  try {
    if (!(await showPayment(on, hotel))) return false;
    if (once) return true;
    await sayUrls(on, hotel, demo.url);
    await stopping;
    say('\nStopping …');
    return true;
  } finally {
    await demo.close();
  }
}

async function showPayment(on: Platform, of: Hotel): Promise<boolean> {
  const receipt = await takePayment(on, of);
  say(
    `Up in ${((performance.now() - startedAt) / 1000).toFixed(1)} s. One payment on the demo hotel's own Stripe account:`,
  );
  say(receiptLine(receipt));
  return receipt.status === 'succeeded';
}

async function sayUrls(on: Platform, of: DemoHotel, demoUrl: string): Promise<void> {
  const cardToken = await captureTestCard(on, of);
  say(`
API           ${on.gatewayUrl}/v1
Reference     ${on.gatewayUrl}/docs   (OpenAPI: ${on.gatewayUrl}/openapi.json)
Booking demo  ${demoUrl}   (card 4242 4242 4242 4242, any future date, any code)
Owner         ${of.owner.email} / ${of.owner.password}   (POST /v1/auth/login; mails lie in ${on.maildir})
Health        ${on.gatewayOpsUrl}/health   metrics: ${on.gatewayOpsUrl}/metrics
Booking API   gRPC ${on.grpc['payment-api']} (centra.payment.v1.PaymentService, with reflection)
Simulators    Stripe ${on.stripeUrl}   Vaultera ${on.vaulteraUrl}
To connect    PayPal ${on.extraUrls?.paypal}   Payzone and CMI ${on.extraUrls?.payzone}   Tempo ${on.extraUrls?.tempo}
Logs          ${on.logFolder}

Charge a card yourself:

curl -sS ${on.gatewayUrl}/v1/charge \\
  -H 'Authorization: Bearer ${of.apiKey}' \\
  -H "Idempotency-Key: $(date +%s%N)" -H 'Content-Type: application/json' \\
  -d '{"card_token":"${cardToken}","amount":12550,"currency":"EUR","booking_reference":"BK-1001"}'

Ctrl-C stops everything.`);
}
