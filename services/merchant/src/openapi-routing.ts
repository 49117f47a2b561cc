import { answer, json, problem } from '@centra/service-kit/openapi-parts.ts';
import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { bodyRefusals, explained, missing, pageOf, refusals } from './openapi-parts.ts';
import { createRoutingRuleSchema } from './routing/create-routing-rule.ts';
import { dryRunRoutingSchema, routingDecisionSchema } from './routing/dry-run-routing.ts';
import { listRoutingRulesSchema } from './routing/list-routing-rules.ts';
import { orderRoutingRulesSchema } from './routing/order-routing-rules.ts';
import { routingRuleSchema } from './routing/routing-rule.ts';
import { updateRoutingRuleSchema } from './routing/update-routing-rule.ts';

const tags = ['Routing rules'];
const path = z.object({
  id: z.string().meta({ description: 'The routing rule', example: 'rr_01jd0000000000000000000000' }),
});

export const routingRulePageSchema = pageOf(routingRuleSchema).meta({ id: 'RoutingRuleList' });

const savingRefusals = {
  ...bodyRefusals,
  '400': explained(
    bodyRefusals['400'],
    'An account that is not an active one of yours in the rule’s mode is named by its place, for example `provider_accounts.1`.',
  ),
};
const unregistered = {
  '404': explained(problem(['not_found']), 'The merchant is not registered.'),
};

/** The routes of a hotel's routing rules. */
export const paths: ZodOpenApiPathsObject = {
  '/v1/routing-rules': {
    post: {
      operationId: 'createRoutingRule',
      tags,
      summary: 'Create a routing rule',
      description:
        'A payment that names no provider account goes to the first rule that is enabled, matches it, and has an account ' +
        'that can take it; where no rule does, to your default account. When surely nothing was sent to the first account of ' +
        'the rule, the next one is tried.',
      requestBody: json(createRoutingRuleSchema),
      responses: {
        '201': answer('Created', routingRuleSchema),
        ...savingRefusals,
        ...unregistered,
        '409': explained(problem(['state_conflict']), 'The mode has 100 rules already.'),
      },
    },
    get: {
      operationId: 'listRoutingRules',
      tags,
      summary: 'List routing rules',
      description: 'In the order in which they are looked at. A test key sees test rules only.',
      requestParams: { query: listRoutingRulesSchema },
      responses: { '200': answer('A page', routingRulePageSchema), ...refusals },
    },
  },
  '/v1/routing-rules/order': {
    post: {
      operationId: 'orderRoutingRules',
      tags,
      summary: 'Order the routing rules',
      description: 'Takes every rule of the mode, in the new order.',
      requestBody: json(orderRoutingRulesSchema),
      responses: {
        '200': answer('All of them, in the new order', routingRulePageSchema),
        ...bodyRefusals,
        ...unregistered,
        '409': explained(
          problem(['state_conflict']),
          'These are not exactly the rules of the mode: somebody added or deleted one. Nothing was changed.',
        ),
      },
    },
  },
  '/v1/routing-rules/dry-run': {
    post: {
      operationId: 'dryRunRouting',
      tags,
      summary: 'Ask where a payment would go',
      description:
        'Decided by the very function that sends payments, and explained. Moves no money and stores nothing.',
      requestBody: json(dryRunRoutingSchema),
      responses: {
        '200': answer('Where it would go, and why', routingDecisionSchema),
        ...bodyRefusals,
        ...unregistered,
      },
    },
  },
  '/v1/routing-rules/{id}': {
    get: {
      operationId: 'getRoutingRule',
      tags,
      summary: 'Read a routing rule',
      description: 'An account that was deleted since is still named; payments pass it over.',
      requestParams: { path },
      responses: { '200': answer('The rule', routingRuleSchema), ...refusals, ...missing },
    },
    post: {
      operationId: 'updateRoutingRule',
      tags,
      summary: 'Change a routing rule',
      description:
        'What is left out stays; `conditions` are replaced as a whole. Payments under way keep their account.',
      requestParams: { path },
      requestBody: json(updateRoutingRuleSchema),
      responses: { '200': answer('The changed rule', routingRuleSchema), ...savingRefusals, ...missing },
    },
    delete: {
      operationId: 'deleteRoutingRule',
      tags,
      summary: 'Delete a routing rule',
      description: 'The rules behind it move up by one.',
      requestParams: { path },
      responses: { '204': { description: 'Deleted' }, ...refusals, ...missing },
    },
  },
};
