import type {
  AnswerSimulatorChallengeRequest,
  AnswerSimulatorChallengeResponse,
} from '@centra/proto/centra/transaction/v1/transaction.ts';
import type { SimulatorChallenges } from './simulator-challenges.ts';

type ChallengeContext = { providers: { challenges: SimulatorChallenges } };

/** The guest's answer on the simulator's page. The payment follows at the sweeper's next round, which is due at once. */
export async function answerSimulatorChallenge(
  context: ChallengeContext,
  request: AnswerSimulatorChallengeRequest,
): Promise<AnswerSimulatorChallengeResponse> {
  return { returnUrl: await context.providers.challenges.answer(request.challengeToken, request.approve) };
}
