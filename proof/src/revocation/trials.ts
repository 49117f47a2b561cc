import { setTimeout as pause } from 'node:timers/promises';
import type { Stage } from '../stage/stage.ts';

/** What goes wrong around one revocation. */
export type Trial = {
  name: string;
  /** Whether calls with good keys may fail meanwhile; losing Redis is no reason for that. */
  isTrouble: boolean;
  /** Before the key is revoked. */
  before?(stage: Stage): Promise<void>;
  /** As soon as the revocation was answered. */
  after?(stage: Stage): Promise<void>;
  /** Once the key had to be refused: makes good what was broken. */
  heal?(stage: Stage): Promise<void>;
  /** Entrances that answer nothing until `wake`, which is called after the five seconds are over. */
  asleep?: readonly string[];
  wake?(stage: Stage): void;
};

const restart = async (stage: Stage, replica: 'auth-1'): Promise<void> => {
  if (!stage.replica(replica).isRunning()) await stage.replica(replica).start();
};

export const TRIALS: readonly Trial[] = [
  { name: 'nothing broken', isTrouble: false },
  {
    name: 'Redis emptied',
    isTrouble: false,
    before: async (stage) => await stage.redis?.flushAll(),
  },
  {
    name: 'Redis killed',
    isTrouble: false,
    before: async (stage) => await stage.redis?.kill9(),
    heal: async (stage) => await stage.redis?.start(),
  },
  {
    name: 'auth killed right afterwards and started again',
    isTrouble: true,
    after: async (stage) => {
      await stage.replica('auth-1').kill9();
      await pause(500);
      await restart(stage, 'auth-1');
    },
    heal: async (stage) => await restart(stage, 'auth-1'),
  },
  {
    name: 'auth killed right afterwards and away',
    isTrouble: true,
    after: async (stage) => await stage.replica('auth-1').kill9(),
    heal: async (stage) => await restart(stage, 'auth-1'),
  },
  {
    name: 'the way to auth silent from before on',
    isTrouble: true,
    before: async (stage) => stage.links['auth-grpc'].set({ kind: 'half-open' }),
    heal: async (stage) => stage.links['auth-grpc'].clear(),
  },
  {
    name: 'the way to auth cut right afterwards',
    isTrouble: true,
    after: async (stage) => stage.links['auth-grpc'].set({ kind: 'refuse' }),
    heal: async (stage) => stage.links['auth-grpc'].clear(),
  },
  {
    name: 'auth without its database right afterwards',
    isTrouble: true,
    after: async (stage) => stage.links['postgres-auth'].set({ kind: 'half-open' }),
    heal: async (stage) => stage.links['postgres-auth'].clear(),
  },
  {
    name: 'every connection to auth broken right afterwards',
    isTrouble: true,
    after: async (stage) => stage.links['auth-grpc'].breakAll(),
  },
  {
    name: 'one gateway asleep, and woken after the five seconds',
    isTrouble: true,
    before: async (stage) => stage.replica('api-gateway-2').pause(),
    asleep: ['gateway 2'],
    wake: (stage) => stage.replica('api-gateway-2').resume(),
    heal: async (stage) => stage.replica('api-gateway-2').resume(),
  },
  {
    name: 'auth asleep right afterwards',
    isTrouble: true,
    after: async (stage) => stage.replica('auth-1').pause(),
    heal: async (stage) => stage.replica('auth-1').resume(),
  },
];
