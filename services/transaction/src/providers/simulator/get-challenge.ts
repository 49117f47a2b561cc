import type {
  GetSimulatorChallengeRequest,
  SimulatorChallenge,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { SimulatorChallenges } from './simulator-challenges.ts';

type ChallengeContext = { providers: { challenges: SimulatorChallenges } };

/** What the simulator's page shows: a bank's challenge, or, without a card, a hosted payment. */
export async function getSimulatorChallenge(
  context: ChallengeContext,
  request: GetSimulatorChallengeRequest,
): Promise<SimulatorChallenge> {
  const { bookingReference, money, card, isOver } = await context.providers.challenges.read(
    request.challengeToken,
  );
  return { bookingReference, amount: money, card, over: isOver };
}
