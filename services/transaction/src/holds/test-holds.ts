import assert from 'node:assert/strict';
import { Initiation } from '@centra/proto/centra/payment/v1/payment.ts';
import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import type { PaymentOptions } from '@centra/proto/centra/transaction/v1/transaction.ts';
import { fromPublicId } from '@centra/service-kit/ids.ts';
import type { Context } from '../context.ts';
import { PAYMENT_COLUMNS, toPayment } from '../payments/payment.ts';
import type { Payment as StoredPayment, PaymentRow } from '../payments/payment.ts';
import type { Provider } from '../providers/provider.ts';
import { send } from '../testing/simulators.ts';
import { paymentOf, saleRequest } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import type { Hotel, World } from '../testing/world.ts';

const ALL_EXTRAS = { multipleCapture: true, incremental: true, overcapture: true, extended: false };

/** What a payment may ask for beyond the plain charge. */
export function optionsOf(change: Partial<PaymentOptions> = {}): PaymentOptions {
  return {
    initiation: Initiation.INITIATION_CUSTOMER,
    originalNetworkTransactionId: '',
    extras: undefined,
    allowPartialApproval: false,
    retrySoftDeclines: false,
    quoteId: '',
    quoteHash: '',
    routingHints: undefined,
    ...change,
  };
}

/** A hold of EUR 125.00 with every extra that its card has; at Stripe with a card of the vault. */
export async function hold(
  world: World,
  service: TestService,
  hotel: Hotel,
  card = 'sim_card_visa',
  amountMinor = 12_500n,
): Promise<Payment> {
  const token = hotel.stripeAccount === '' ? card : await world.vaultera.card(hotel.vaultKey, card);
  const options = optionsOf({ extras: ALL_EXTRAS });
  const amount = { amountMinor, currency: 'EUR' };
  return paymentOf(await service.authorize(saleRequest(hotel, token, { options, amount })));
}

/** A payment as it is stored now, by its public or its own id. */
export async function readStored(world: World, paymentId: string): Promise<StoredPayment> {
  const { rows } = await world.admin.query<PaymentRow>(
    `select ${PAYMENT_COLUMNS} from payments p where id = $1`,
    [fromPublicId('pay', paymentId) ?? paymentId],
  );
  assert.ok(rows[0], `${paymentId} is stored`);
  return toPayment(rows[0]);
}

/** Moves our deadline of a hold so far into the past (or, negative, ahead); the provider's own stays where it is. */
export async function moveOurDeadline(world: World, paymentId: string, interval: string): Promise<void> {
  const { rowCount } = await world.admin.query(
    `update payments set hold_expires_at = now() - $2::interval, hold_due_at = null where id = $1 and hold_open`,
    [fromPublicId('pay', paymentId), interval],
  );
  assert.equal(rowCount, 1, 'an open hold was moved');
}

/**
 * Lets days go by for a hold at the built-in simulator, at both ends: its bank reads the time of the charge from the
 * payment's reference.
 */
export async function ageSimulatorHold(world: World, paymentId: string, days: number): Promise<void> {
  const { providerReference = '' } = await readStored(world, paymentId);
  const aged = providerReference.replace(/-t([0-9a-z]+)-/, (_all, time: string) => {
    return `-t${(Number.parseInt(time, 36) - days * 86_400).toString(36)}-`;
  });
  assert.notEqual(aged, providerReference);
  const { rowCount } = await world.admin.query(
    `update payments set provider_reference = $2, hold_due_at = null,
            hold_expires_at = hold_expires_at - make_interval(secs => $3::float8) where id = $1 and hold_open`,
    [fromPublicId('pay', paymentId), aged, days * 86_400],
  );
  assert.equal(rowCount, 1);
}

/** Moves the Stripe simulator's clock; it never goes back. */
export async function advanceStripe(world: World, days: number): Promise<void> {
  await send('POST', `${world.stripe.url}/_control/clock`, { advance_ms: days * 86_400_000 });
}

/** The service's context with other answers of its providers. */
export function withProvider(context: Context, change: (real: Provider) => Partial<Provider>): Context {
  const choose = (name: string): Provider => {
    const real = context.providers.choose(name);
    return { ...real, ...change(real) };
  };
  return { ...context, providers: { ...context.providers, choose } };
}

/** A provider that goes on holding so many days past the deadline it had told. */
export function holdingLate(context: Context, days: number): Context {
  return withProvider(context, (real) => ({
    async standing(account, reference, currency) {
      const standing = await real.standing(account, reference, currency);
      const expiresAt = standing?.hold?.expiresAt;
      if (standing?.hold === undefined || expiresAt === undefined) return standing;
      const earlier = new Date(expiresAt.getTime() - days * 86_400_000);
      return { ...standing, hold: { ...standing.hold, expiresAt: earlier } };
    },
  }));
}

/** The types of a payment's steps, in order. */
export async function stepsOf(world: World, paymentId: string): Promise<string[]> {
  const { rows } = await world.admin.query<{ type: string }>(
    `select e.type from payment_events e join outbox o using (merchant_id, payment_id, version)
      where e.payment_id = $1 and o.type = e.type order by e.version`,
    [fromPublicId('pay', paymentId)],
  );
  return rows.map(({ type }) => type);
}

/** What the built-in simulator's journal says was done to a payment: kind and state. */
export async function effectsAtSimulator(world: World, paymentId: string): Promise<string[]> {
  const { rows } = await world.admin.query<{ effect: string }>(
    `select e.kind || ' ' || e.state as effect from simulator_effects e
       join payments p on p.provider_reference = e.reference where p.id = $1 order by e.seq`,
    [fromPublicId('pay', paymentId)],
  );
  return rows.map(({ effect }) => effect);
}
