import { z } from 'zod';

import type { Answer, ApiRequest } from '../http/api-request.ts';
import { checkExpand } from '../http/expand.ts';
import { expand, parseParams } from '../http/params.ts';
import type { Account } from './account.ts';

/** `GET /v1/account`: the account the key belongs to. */
export function getAccount(request: ApiRequest): Answer {
  const params = parseParams(z.strictObject({ expand }), request.params);
  checkExpand('account', params.expand);
  return { status: 200, body: accountJson(request.account) };
}

/** A plain activated account that takes cards. */
export function accountJson(account: Account) {
  return {
    id: account.id,
    object: 'account' as const,
    business_profile: {
      annual_revenue: null,
      estimated_worker_count: null,
      mcc: '7011',
      minority_owned_business_designation: null,
      name: account.name,
      product_description: null,
      specified_commercial_transactions_act_url: null,
      support_address: null,
      support_email: null,
      support_phone: null,
      support_url: null,
      url: null,
    },
    business_type: 'company',
    capabilities: { card_payments: 'active', transfers: 'active' },
    charges_enabled: true,
    controller: { type: 'account' as const },
    country: 'US',
    created: account.createdSeconds,
    default_currency: 'usd',
    details_submitted: true,
    email: null,
    external_accounts: {
      object: 'list' as const,
      data: [],
      has_more: false,
      url: `/v1/accounts/${account.id}/external_accounts`,
    },
    metadata: {},
    payouts_enabled: true,
    settings: null,
    type: 'standard',
  };
}
