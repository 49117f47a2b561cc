import type { Payment } from '@centra/proto/centra/payment/v1/payment.ts';
import { eur, followUpOf, paymentOf, saleRequest } from '../testing/test-service.ts';
import type { TestService } from '../testing/test-service.ts';
import type { Hotel, World } from '../testing/world.ts';

/** What a hotel does with payments here, each under a new operation id; answers the payment as it then is. */
export type Desk = {
  sale(card?: string): Promise<Payment>;
  authorize(card?: string): Promise<Payment>;
  capture(paymentId: string, amountMinor?: bigint): Promise<Payment>;
  refund(paymentId: string, amountMinor?: bigint): Promise<Payment>;
};

const VISA = '4242424242424242';

export function deskOf(world: World, service: TestService, hotel: Hotel): Desk {
  const newPayment = async (card: string) =>
    saleRequest(hotel, await world.vaultera.card(hotel.vaultKey, card));
  return {
    sale: async (card = VISA) => paymentOf(await service.sale(await newPayment(card))),
    authorize: async (card = VISA) => paymentOf(await service.authorize(await newPayment(card))),
    capture: async (paymentId, amountMinor) =>
      paymentOf(
        await service.capture({
          followUp: followUpOf(hotel, paymentId),
          amount: eur(amountMinor),
          keepOpen: false,
        }),
      ),
    refund: async (paymentId, amountMinor) =>
      paymentOf(
        await service.refund({
          followUp: followUpOf(hotel, paymentId),
          amount: eur(amountMinor),
          reason: 'requested_by_customer',
          metadata: {},
        }),
      ),
  };
}
