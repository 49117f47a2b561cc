// What the calls that move money take, according to the parameter types of the official SDK, npm `stripe` 23.1.0 (API version
// 2026-10-28.endive). Left out: parameters of payment methods other than cards, and the insides of what is never sent for a hotel's
// card payments (`object`). The simulator takes a part of these and refuses the rest as unknown.

/** Call → its parameters, in the notation of resource-shapes.ts; `empty` is an empty text, which unsets the parameter. */
export const REQUEST_PARAMETERS: Record<string, string> = {
  'POST /v1/payment_methods': `
    allow_redisplay? enum(always,limited,unspecified); billing_details? @billing_details; card? @; customer? string;
    expand? [string]; metadata? map; payment_method? string; radar_options? object; type? string`,
  billing_details: `
    address? @address|empty; email? string|empty; name? string|empty; phone? string|empty; tax_id? string`,
  'POST /v1/payment_methods.card': `
    cvc? string; exp_month? integer; exp_year? integer; networks? @; number? string; token? string`,
  'POST /v1/payment_methods.card.networks': `preferred? enum(cartes_bancaires,mastercard,visa)`,
  'POST /v1/payment_intents': `
    amount integer; currency string; allowed_payment_method_types? [string]; amount_details? object;
    application_fee_amount? integer; automatic_payment_methods? @; capture_method?
    enum(automatic,automatic_async,manual); confirm? boolean; confirmation_method? enum(automatic,manual);
    confirmation_token? string; customer? string; customer_account? string; description? string;
    error_on_requires_action? boolean; excluded_payment_method_types? [string]; expand? [string]; hooks? object;
    mandate? string; mandate_data? object|empty; metadata? map; off_session? enum(one_off,recurring)|boolean;
    on_behalf_of? string; payment_details? object; payment_method? string; payment_method_configuration? string;
    payment_method_data? @payment_method_data; payment_method_options? @; radar_options? object; receipt_email? string;
    return_url? string; setup_future_usage? enum(off_session,on_session); shipping? object; statement_descriptor?
    string; statement_descriptor_suffix? string; transfer_data? object; transfer_group? string; use_stripe_sdk? boolean`,
  'POST /v1/payment_intents.automatic_payment_methods': `
    allow_redirects? enum(always,never); enabled boolean`,
  payment_method_data: `
    allow_redisplay? enum(always,limited,unspecified); billing_details? @billing_details; metadata? map; radar_options?
    object; type string`,
  'POST /v1/payment_intents.payment_method_options': `card? @card_options|empty`,
  card_options: `
    capture_method? enum(manual)|empty; cvc_token? string; installments? object; mandate_options? object; moto? boolean;
    network?
    enum(amex,cartes_bancaires,diners,discover,eftpos_au,girocard,interac,jcb,link,mastercard,unionpay,unknown,visa);
    request_extended_authorization? enum(if_available,never); request_incremental_authorization?
    enum(if_available,never); request_multicapture? enum(if_available,never); request_overcapture?
    enum(if_available,never); request_three_d_secure? enum(any,automatic,challenge); require_cvc_recollection? boolean;
    setup_credential_usage? enum(installment,recurring,unscheduled); setup_future_usage?
    enum(none,off_session,on_session)|empty; statement_descriptor_suffix_kana? string|empty;
    statement_descriptor_suffix_kanji? string|empty; stored_credential_usage? enum(installment,recurring,unscheduled);
    three_d_secure? object`,
  'POST /v1/payment_intents/:id/confirm': `
    allowed_payment_method_types? [string]; amount_details? object|empty; amount_to_confirm? integer; capture_method?
    enum(automatic,automatic_async,manual); confirmation_token? string; error_on_requires_action? boolean;
    excluded_payment_method_types? [string]|empty; expand? [string]; hooks? object; mandate? string; mandate_data?
    object|empty; off_session? enum(one_off,recurring)|boolean; payment_details? object|empty; payment_method? string;
    payment_method_data? @payment_method_data; payment_method_options? @; radar_options? object; receipt_email?
    string|empty; return_url? string; setup_future_usage? enum(off_session,on_session)|empty; shipping? object|empty;
    use_stripe_sdk? boolean`,
  'POST /v1/payment_intents/:id/confirm.payment_method_options': `card? @card_options|empty`,
  'POST /v1/payment_intents/:id/capture': `
    amount_details? object; amount_to_capture? integer; application_fee_amount? integer; expand? [string];
    final_capture? boolean; hooks? object; metadata? map|empty; payment_details? object|empty; statement_descriptor?
    string; statement_descriptor_suffix? string; transfer_data? object`,
  'POST /v1/payment_intents/:id/cancel': `
    cancellation_reason? enum(abandoned,duplicate,fraudulent,requested_by_customer); expand? [string]`,
  'POST /v1/payment_intents/:id/increment_authorization': `
    amount integer; amount_details? object; application_fee_amount? integer; description? string; expand? [string];
    hooks? object; metadata? map; payment_details? object; statement_descriptor? string; transfer_data? object`,
  'POST /v1/refunds': `
    amount? integer; charge? string; currency? string; customer? string; expand? [string]; instructions_email? string;
    metadata? map|empty; origin? enum(customer_balance); payment_intent? string; reason?
    enum(duplicate,fraudulent,requested_by_customer); refund_application_fee? boolean; reverse_transfer? boolean`,
  'POST /v1/checkout/sessions': `
    adaptive_pricing? object; after_expiration? object; allow_promotion_codes? boolean; allowed_payment_method_types?
    [string]; automatic_tax? object; billing_address_collection? enum(auto,required); branding_settings? object;
    cancel_url? string; client_reference_id? string; consent_collection? object; currency? string; custom_fields?
    [object]; custom_text? object; customer? string; customer_account? string; customer_creation?
    enum(always,if_required); customer_email? string; customer_update? object; discounts? [object];
    excluded_payment_method_types? [string]; expand? [string]; expires_at? integer; integration_identifier? string;
    invoice_creation? object; line_items? [@]; locale? string; managed_payments? object; metadata? map; mode?
    enum(payment,setup,subscription); name_collection? object; optional_items? [object]; origin_context?
    enum(mobile_app,web); payment_intent_data? @; payment_method_collection? enum(always,if_required);
    payment_method_configuration? string; payment_method_data? @; payment_method_options? @; permissions? object;
    phone_number_collection? @; redirect_on_completion? enum(always,if_required,never); return_url? string;
    saved_payment_method_options? object; setup_intent_data? object; shipping_address_collection? object;
    shipping_options? [object]; submit_type? enum(auto,book,donate,pay,subscribe); subscription_data? object;
    success_url? string; tax_id_collection? object; ui_mode? enum(elements,embedded_page,form,hosted_page);
    wallet_options? object`,
  'POST /v1/checkout/sessions.line_items': `
    adjustable_quantity? object; metadata? map; price? string; price_data? @; quantity? integer; tax_rates? [string]`,
  'POST /v1/checkout/sessions.line_items.price_data': `
    currency string; product? string; product_data? @; recurring? object; tax_behavior?
    enum(exclusive,inclusive,unspecified); unit_amount? integer; unit_amount_decimal? string`,
  'POST /v1/checkout/sessions.line_items.price_data.product_data': `
    description? string; images? [string]; metadata? map; name string; tax_code? string; tax_details? object;
    unit_label? string`,
  'POST /v1/checkout/sessions.payment_intent_data': `
    application_fee_amount? integer; capture_method? enum(automatic,automatic_async,manual); description? string;
    metadata? map; on_behalf_of? string; receipt_email? string; setup_future_usage? enum(off_session,on_session);
    shipping? object; statement_descriptor? string; statement_descriptor_suffix? string; transfer_data? object;
    transfer_group? string`,
  'POST /v1/checkout/sessions.payment_method_data': `allow_redisplay? enum(always,limited,unspecified)`,
  'POST /v1/checkout/sessions.payment_method_options': `card? @`,
  'POST /v1/checkout/sessions.payment_method_options.card': `
    capture_method? enum(manual); installments? object; request_extended_authorization? enum(if_available,never);
    request_incremental_authorization? enum(if_available,never); request_multicapture? enum(if_available,never);
    request_overcapture? enum(if_available,never); request_three_d_secure? enum(any,automatic,challenge); restrictions?
    object; setup_future_usage? enum(off_session,on_session); statement_descriptor_suffix_kana? string;
    statement_descriptor_suffix_kanji? string`,
  'POST /v1/checkout/sessions.phone_number_collection': `enabled boolean`,
  'POST /v1/disputes/:id': `
    evidence? @; expand? [string]; intended_submission_method?
    enum(manual,prefer_manual,prefer_smart_disputes,smart_disputes); metadata? map|empty; submit? boolean`,
  'POST /v1/disputes/:id.evidence': `
    access_activity_log? string; appeal? object|empty; billing_address? string; cancellation_policy? string;
    cancellation_policy_disclosure? string; cancellation_rebuttal? string; customer_communication? string;
    customer_email_address? string; customer_name? string; customer_purchase_ip? string; customer_signature? string;
    duplicate_charge_documentation? string; duplicate_charge_explanation? string; duplicate_charge_id? string;
    enhanced_evidence? object|empty; product_description? string; receipt? string; refund_policy? string;
    refund_policy_disclosure? string; refund_refusal_explanation? string; service_date? string; service_documentation?
    string; shipping_address? string; shipping_carrier? string; shipping_date? string; shipping_documentation? string;
    shipping_tracking_number? string; uncategorized_file? string; uncategorized_text? string`,
  address: `
    city? string|empty; country? string|empty; line1? string|empty; line2? string|empty; postal_code? string|empty;
    state? string|empty`,
};
