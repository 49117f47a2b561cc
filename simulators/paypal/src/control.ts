import express, { Router } from 'express';
import type { ErrorRequestHandler } from 'express';
import { z } from 'zod';
import { accountSchema, accountJson, changeSchema, findAccount } from './account.ts';
import { keepAccounts } from './context.ts';
import type { Context } from './context.ts';
import { faultSchema } from './faults.ts';
import { PAGE_MAX } from './journal.ts';

const journalQuerySchema = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
  kind: z.enum(['effect', 'request']).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_MAX),
});

/** The developer's side door, `/_control`: accounts, faults and the journal. Not part of the vendor's API. */
export function controlRouter(context: Context): Router {
  const router = Router();
  router.use(express.json({ limit: '64kb' }));
  router.get('/health', (_request, response) => void response.json({ status: 'ok' }));
  router.post('/accounts', (request, response) => {
    const account = accountSchema.parse(request.body);
    const others = context.accounts.filter((each) => !findAccount([each], account));
    context.accounts = [...others, account];
    keepAccounts(context);
    response.status(201).json(accountJson(account));
  });
  router.get('/accounts', (_request, response) => {
    response.json({ data: context.accounts.map(accountJson) });
  });
  router.post('/accounts/state', (request, response) => {
    const { state, ...key } = changeSchema.parse(request.body);
    const account = findAccount(context.accounts, key);
    if (account === undefined) {
      response.status(404).json({ error: 'there is no such account' });
      return;
    }
    account.state = state;
    keepAccounts(context);
    response.json(accountJson(account));
  });
  router.post('/faults', (request, response) => {
    response.status(201).json({ id: context.faults.arm(faultSchema.parse(request.body)) });
  });
  router.get('/faults', (_request, response) => void response.json({ faults: context.faults.list() }));
  router.delete('/faults', (_request, response) => {
    context.faults.clear();
    response.status(204).end();
  });
  router.get('/journal', (request, response) => {
    const { after, kind, limit } = journalQuerySchema.parse(request.query);
    response.json(context.journal.read(after, kind, limit));
  });
  router.use((_request, response) => void response.status(404).json({ error: 'there is no such control' }));
  router.use(refuse);
  return router;
}

const refuse: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  const isOurs = error instanceof z.ZodError || error instanceof SyntaxError;
  const words = error instanceof z.ZodError ? z.prettifyError(error) : 'the body is not valid JSON';
  response.status(isOurs ? 400 : 500).json({ error: isOurs ? words : 'internal error' });
};
