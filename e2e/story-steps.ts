import assert from 'node:assert/strict';
import { waitFor } from '@centra/testkit/pause.ts';
import { z } from 'zod';
import { call } from './platform-under-test.ts';
import type { Answer, PlatformUnderTest } from './platform-under-test.ts';

export type Asked = { as?: string; body?: object };

// What the product promises of every change of who may do what (ASVS 7.4.2).
const BITES_WITHIN_MS = 5_000;

/** The steps that stories are told in: requests to the public door of a platform that is up by the time of the first one. */
export function stepsAt(platform: () => PlatformUnderTest) {
  return {
    /** One request, with a key or token where one is given. */
    ask: async (method: 'GET' | 'POST' | 'DELETE', path: string, { as, body }: Asked = {}): Promise<Answer> =>
      await call(platform(), method, path, {
        ...(as === undefined ? {} : { apiKey: as }),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),

    /** What it answered, once the status and the form are as expected. */
    done: async <T extends z.ZodType>(
      answer: Promise<Answer>,
      schema: T,
      status = 200,
    ): Promise<z.infer<T>> => {
      const { status: found, text, json } = await answer;
      assert.equal(found, status, text);
      return schema.parse(json);
    },

    /** Asserts a refusal, and answers its words. */
    refused: async (answer: Promise<Answer>, status: number, code: string): Promise<string> => {
      const { status: found, text, json } = await answer;
      assert.equal(found, status, text);
      const problem = z.looseObject({ code: z.string(), detail: z.string().optional() }).parse(json);
      assert.equal(problem.code, code);
      return problem.detail ?? '';
    },

    /** Until it ends so; throws when that takes longer than is promised. */
    endsIn: async (again: () => Promise<Answer>, status: number): Promise<void> => {
      await waitFor(
        `${status}`,
        async () => ((await again()).status === status ? true : undefined),
        BITES_WITHIN_MS,
      );
    },
  };
}
