// The shape of every object this simulator serves: facts about Stripe's API, written down from two published sources.
// 1. The types of the official SDK, npm `stripe` 23.1.0 (OpenAPI release v2596), which pins API version 2026-10-28.endive. They win.
// 2. The resource fixtures of github.com/stripe/openapi, `openapi/fixtures3.json` at 00ea679fe5a8 (March 2023, the public file) and
//    `openapi/fixtures3.private_preview.json` at 00541411c701 (2025): both older than the SDK. Where they differ, see
//    FIXTURE_DIFFERENCES.
// Left out: what belongs to payment methods other than cards, and inside objects that a card payment without customers, taxes or
// Connect never fills (`object`). A list of more than 24 values is `string` here.

/**
 * Object → its fields, `name type`, separated by `;`. A `?` after the name: the field may be missing. Types: `string`, `integer`,
 * `number`, `boolean`, `null`, `object` (any), `map` (texts by name), `enum(a,b)`, `[type]`, `list(type)` (Stripe's list object),
 * `@name` (the object of that name) and `@` (the object named after this field); `|` between alternatives.
 */
export const RESOURCE_SHAPES: Record<string, string> = {
  account: `
    id string; object enum(account); business_profile? @|null; business_type?
    enum(company,government_entity,individual,non_profit)|null; capabilities? object; charges_enabled boolean;
    controller? object; country? string; created? integer; default_currency? string; details_submitted boolean; email
    string|null; external_accounts? list(object); metadata? map; payouts_enabled boolean; settings?
    object|null; type enum(custom,express,none,standard)`,
  'account.business_profile': `
    annual_revenue? object|null; estimated_worker_count? integer|null; mcc string|null;
    minority_owned_business_designation
    [enum(lgbtqi_owned_business,minority_owned_business,none_of_these_apply,prefer_not_to_answer,women_owned_business)]|null;
    monthly_estimated_revenue? object; name string|null; product_description? string|null;
    specified_commercial_transactions_act_url string|null; support_address @address|null; support_email string|null;
    support_phone string|null; support_url string|null; url string|null`,
  address: `
    city string|null; country string|null; line1 string|null; line2 string|null; postal_code string|null; state
    string|null`,
  balance: `object enum(balance); available [@]; livemode boolean; pending [@]`,
  'balance.available': `amount integer; currency string; source_types? @`,
  'balance.available.source_types': `bank_account? integer; card? integer; fpx? integer`,
  'balance.pending': `amount integer; currency string; source_types? @`,
  'balance.pending.source_types': `bank_account? integer; card? integer; fpx? integer`,
  balance_transaction: `
    id string; object enum(balance_transaction); amount integer; available_on integer; balance_type
    enum(issuing,payments,refund_and_dispute_prefunding,risk_reserved); created integer; currency string; description
    string|null; exchange_rate number|null; fee integer; fee_details [@]; net integer; reporting_category string;
    source string|object|null; status string; type string`,
  'balance_transaction.fee_details': `
    amount integer; application string|null; currency string; description string|null; type string`,
  charge: `
    id string; object enum(charge); amount integer; amount_captured integer; amount_refunded integer; application
    string|object|null; application_fee string|object|null; application_fee_amount integer|null; balance_transaction
    string|@balance_transaction|null; billing_details @; calculated_statement_descriptor string|null; captured boolean;
    created integer; currency string; customer string|object|null; description string|null; disputed boolean;
    failure_balance_transaction string|@balance_transaction|null; failure_code string|null; failure_message string|null;
    fraud_details @|null; livemode boolean; metadata map; on_behalf_of string|@account|null; outcome @|null; paid
    boolean; payment_intent string|@payment_intent|null; payment_method string|null; payment_method_details @|null;
    radar_options? @; receipt_email string|null; receipt_number string|null; receipt_url string|null; refunded boolean;
    refunds? list(@refund)|null; review string|object|null; shipping @|null; source object|null; source_transfer string|object|null; statement_descriptor string|null;
    statement_descriptor_suffix string|null; status enum(failed,pending,succeeded); transfer_data object|null;
    transfer_group string|null`,
  'charge.billing_details': `
    address @address|null; email string|null; name string|null; phone string|null; tax_id string|null`,
  'charge.fraud_details': `stripe_report? string; user_report? string`,
  'charge.outcome': `
    advice_code enum(confirm_card_data,do_not_try_again,try_again_later)|null; network_advice_code string|null;
    network_decline_code string|null; network_status string|null; reason string|null; risk_level? string; risk_score?
    integer; rule? string|object; seller_message string|null; type string`,
  'charge.payment_method_details': `card? @; type string`,
  'charge.payment_method_details.card': `
    amount_authorized integer|null; authorization_code string|null; brand string|null; capture_before? integer; checks
    @|null; country string|null; description? string|null; electronic_commerce_indicator string|null; exp_month integer;
    exp_year integer; extended_authorization? @; fingerprint? string|null; funding string|null; iin? string|null;
    incremental_authorization? @; installments object|null; issuer? string|null; last4 string|null; mandate
    string|object|null; moto? boolean|null; multicapture? @; network string|null; network_token? @|null;
    network_transaction_id string|null; overcapture? @; regulated_status enum(regulated,unregulated)|null;
    setup_credential_usage? enum(installment,recurring,unscheduled); stored_credential_usage?
    enum(installment,recurring,unscheduled); three_d_secure @|null; transaction_link_id string|null; wallet object|null`,
  'charge.payment_method_details.card.checks': `
    address_line1_check string|null; address_postal_code_check string|null; cvc_check string|null`,
  'charge.payment_method_details.card.extended_authorization': `status enum(disabled,enabled)`,
  'charge.payment_method_details.card.incremental_authorization': `status enum(available,unavailable)`,
  'charge.payment_method_details.card.multicapture': `status enum(available,unavailable)`,
  'charge.payment_method_details.card.network_token': `used boolean`,
  'charge.payment_method_details.card.overcapture': `
    maximum_amount_capturable integer; status enum(available,unavailable)`,
  'charge.payment_method_details.card.three_d_secure': `
    authentication_flow enum(challenge,frictionless)|null; electronic_commerce_indicator enum(01,02,05,06,07)|null;
    exemption_indicator enum(low_risk,none)|null; exemption_indicator_applied? boolean; result
    enum(attempt_acknowledged,authenticated,data_share_only,exempted,failed,not_supported,processing_error)|null;
    result_reason
    enum(abandoned,bypassed,canceled,card_not_enrolled,network_not_supported,protocol_error,rejected)|null;
    transaction_id string|null; version enum(1.0.2,2.1.0,2.2.0,2.3.0,2.3.1)|null`,
  'charge.radar_options': `session? string`,
  'charge.shipping': `
    address? @address; carrier? string|null; name? string; phone? string|null; tracking_number? string|null`,
  'checkout.session': `
    id string; object enum(checkout.session); adaptive_pricing @|null; after_expiration object|null;
    allow_promotion_codes boolean|null; allowed_payment_method_types [string]|null; amount_subtotal integer|null;
    amount_total integer|null; automatic_tax @; billing_address_collection enum(auto,required)|null; branding_settings?
    @; cancel_url string|null; client_reference_id string|null; client_secret string|null; collected_information @|null;
    consent object|null; consent_collection object|null; created integer; currency string|null; currency_conversion
    object|null; custom_fields [object]; custom_text @; customer string|object|null; customer_account string|null;
    customer_creation enum(always,if_required)|null; customer_details @|null; customer_email string|null; discounts
    [object]|null; expires_at integer; integration_identifier string|null; invoice string|object|null; invoice_creation
    @|null; line_items? list(@item); livemode boolean; locale string|null; managed_payments object|null; metadata map|null; mode
    enum(payment,setup,subscription); origin_context enum(mobile_app,web)|null; payment_intent
    string|@payment_intent|null; payment_link string|object|null; payment_method_collection
    enum(always,if_required)|null; payment_method_configuration_details object|null; payment_method_options @|null;
    payment_method_types [string]; payment_status enum(no_payment_required,paid,unpaid); permissions object|null;
    phone_number_collection? @; recovered_from string|null; saved_payment_method_options object|null; setup_intent
    string|object|null; shipping_address_collection object|null; shipping_cost object|null; shipping_options [object];
    status enum(complete,expired,open)|null; submit_type enum(auto,book,donate,pay,subscribe)|null; subscription
    string|object|null; success_url string|null; total_details @|null; ui_mode
    enum(elements,embedded_page,form,hosted_page)|null; url string|null; wallet_options object|null`,
  'checkout.session.adaptive_pricing': `enabled boolean`,
  'checkout.session.automatic_tax': `
    enabled boolean; liability object|null; provider string|null; status
    enum(complete,failed,requires_location_inputs)|null`,
  'checkout.session.branding_settings': `
    background_color string; border_style enum(pill,rectangular,rounded); button_color string; display_name string;
    font_family string; icon object|null; logo object|null`,
  'checkout.session.collected_information': `
    business_name string|null; individual_name string|null; shipping_details object|null`,
  'checkout.session.custom_text': `
    after_submit @|null; shipping_address @|null; submit @|null; terms_of_service_acceptance @|null`,
  'checkout.session.custom_text.after_submit': `message string`,
  'checkout.session.custom_text.shipping_address': `message string`,
  'checkout.session.custom_text.submit': `message string`,
  'checkout.session.custom_text.terms_of_service_acceptance': `message string`,
  'checkout.session.customer_details': `
    address @address|null; business_name string|null; email string|null; individual_name string|null; name string|null;
    phone string|null; tax_exempt enum(exempt,none,reverse)|null; tax_ids [object]|null`,
  'checkout.session.invoice_creation': `enabled boolean; invoice_data @`,
  'checkout.session.invoice_creation.invoice_data': `
    account_tax_ids [string|object]|null; custom_fields [object]|null; description string|null; footer string|null;
    issuer object|null; metadata map|null; rendering_options object|null`,
  'checkout.session.payment_method_options': `card? @`,
  'checkout.session.payment_method_options.card': `
    capture_method? enum(manual); installments? object; request_extended_authorization? enum(if_available,never);
    request_incremental_authorization? enum(if_available,never); request_multicapture? enum(if_available,never);
    request_overcapture? enum(if_available,never); request_three_d_secure enum(any,automatic,challenge); restrictions?
    object; setup_future_usage? enum(none,off_session,on_session); statement_descriptor_suffix_kana? string;
    statement_descriptor_suffix_kanji? string`,
  'checkout.session.phone_number_collection': `enabled boolean`,
  'checkout.session.total_details': `
    amount_discount integer; amount_shipping integer|null; amount_tax integer; breakdown? object`,
  dispute: `
    id string; object enum(dispute); amount integer; balance_transactions [@balance_transaction]; charge string|@charge;
    created integer; currency string; enhanced_eligibility_types
    [enum(mastercard_compliance,visa_compelling_evidence_3,visa_compliance)]; evidence @; evidence_details @;
    intended_submission_method enum(manual,prefer_manual,prefer_smart_disputes,smart_disputes)|null;
    is_charge_refundable boolean; livemode boolean; metadata map; network_reason_code? string|null; payment_intent
    string|@payment_intent|null; payment_method_details? @; reason
    enum(bank_cannot_process,check_returned,credit_not_processed,customer_initiated,debit_not_authorized,duplicate,fraudulent,general,
    incorrect_account_details,insufficient_funds,noncompliant,product_not_received,product_unacceptable,subscription_canceled,
    unrecognized); status
    enum(appeal_needs_response,appeal_under_review,lost,needs_response,prevented,under_review,warning_closed,warning_needs_response,warning_under_review,won)`,
  'dispute.evidence': `
    access_activity_log string|null; appeal? object|null; billing_address string|null; cancellation_policy
    string|object|null; cancellation_policy_disclosure string|null; cancellation_rebuttal string|null;
    customer_communication string|object|null; customer_email_address string|null; customer_name string|null;
    customer_purchase_ip string|null; customer_signature string|object|null; duplicate_charge_documentation
    string|object|null; duplicate_charge_explanation string|null; duplicate_charge_id string|null; enhanced_evidence
    object; product_description string|null; receipt string|object|null; refund_policy string|object|null;
    refund_policy_disclosure string|null; refund_refusal_explanation string|null; service_date string|null;
    service_documentation string|object|null; shipping_address string|null; shipping_carrier string|null; shipping_date
    string|null; shipping_documentation string|object|null; shipping_tracking_number string|null; uncategorized_file
    string|object|null; uncategorized_text string|null`,
  'dispute.evidence_details': `
    due_by integer|null; enhanced_eligibility object; has_evidence boolean; past_due boolean; submission_count integer;
    submission_method enum(manual,not_submitted,smart_disputes)`,
  'dispute.payment_method_details': `card? @; type enum(amazon_pay,card,klarna,paypal)`,
  'dispute.payment_method_details.card': `
    brand string; case_type enum(block,chargeback,compliance,inquiry,resolution); network string; network_reason_code
    string|null`,
  event: `
    id string; object enum(event); account? string; api_version string|null; context? string; created integer; data @;
    livemode boolean; pending_webhooks integer; request @|null; type string`,
  'event.data': `object object; previous_attributes? object`,
  'event.request': `id string|null; idempotency_key string|null`,
  item: `
    id string; object enum(item); adjustable_quantity object|null; amount_discount integer; amount_subtotal integer;
    amount_tax integer; amount_total integer; currency string; description string|null; metadata map|null; price
    @price|null; quantity integer|null`,
  payment_intent: `
    id string; object enum(payment_intent); allowed_payment_method_types [string]|null; amount integer;
    amount_capturable integer; amount_details? @; amount_received integer; application string|object|null;
    application_fee_amount integer|null; automatic_payment_methods @|null; canceled_at integer|null; cancellation_reason
    enum(abandoned,automatic,duplicate,expired,failed_invoice,fraudulent,requested_by_customer,void_invoice)|null;
    capture_method enum(automatic,automatic_async,manual); client_secret string|null; confirmation_method
    enum(automatic,manual); created integer; currency string; customer string|object|null; customer_account string|null;
    description string|null; excluded_payment_method_types [string]|null; last_payment_error @|null; latest_charge
    string|@charge|null; livemode boolean; managed_payments object|null; metadata map; next_action @|null; on_behalf_of
    string|@account|null; payment_method string|@payment_method|null; payment_method_configuration_details object|null;
    payment_method_options @|null; payment_method_types [string]; payment_record string|object|null; processing @|null;
    receipt_email string|null; review string|object|null; setup_future_usage enum(off_session,on_session)|null; shipping
    @|null; source string|object|null; statement_descriptor string|null; statement_descriptor_suffix string|null; status
    enum(canceled,processing,requires_action,requires_capture,requires_confirmation,requires_payment_method,succeeded);
    transfer_data? object|null; transfer_group string|null`,
  'payment_intent.amount_details': `
    discount_amount? integer; error? object; line_items? list(object); shipping? object; tax? object; tip? object`,
  'payment_intent.automatic_payment_methods': `allow_redirects? enum(always,never); enabled boolean`,
  'payment_intent.last_payment_error': `
    advice_code? string; charge? string; code? string; decline_code? string; doc_url? string; message? string;
    network_advice_code? string; network_decline_code? string; param? string; payment_intent? @payment_intent;
    payment_method? @payment_method; payment_method_type? string; request_log_url? string; setup_intent? object; source?
    object; type enum(api_error,card_error,idempotency_error,invalid_request_error)`,
  'payment_intent.next_action': `redirect_to_url? @; type string; use_stripe_sdk? map`,
  'payment_intent.next_action.redirect_to_url': `return_url string|null; url string|null`,
  'payment_intent.payment_method_options': `card? @`,
  'payment_intent.payment_method_options.card': `
    capture_method? enum(manual); installments object|null; mandate_options object|null; network
    enum(amex,cartes_bancaires,diners,discover,eftpos_au,girocard,interac,jcb,link,mastercard,unionpay,unknown,visa)|null;
    request_extended_authorization? enum(if_available,never); request_incremental_authorization?
    enum(if_available,never); request_multicapture? enum(if_available,never); request_overcapture?
    enum(if_available,never); request_three_d_secure enum(any,automatic,challenge)|null; require_cvc_recollection?
    boolean; setup_credential_usage? enum(installment,recurring,unscheduled); setup_future_usage?
    enum(none,off_session,on_session); statement_descriptor_suffix_kana? string; statement_descriptor_suffix_kanji?
    string; stored_credential_usage? enum(installment,recurring,unscheduled)`,
  'payment_intent.processing': `card? @; type enum(card)`,
  'payment_intent.processing.card': `customer_notification? object`,
  'payment_intent.shipping': `
    address? @address; carrier? string|null; name? string; phone? string|null; tracking_number? string|null`,
  payment_method: `
    id string; object enum(payment_method); allow_redisplay? enum(always,limited,unspecified); billing_details @; card?
    @; created integer; customer string|object|null; customer_account string|null; livemode boolean; metadata map|null;
    radar_options? @; type string`,
  'payment_method.billing_details': `
    address @address|null; email string|null; name string|null; phone string|null; tax_id string|null`,
  'payment_method.card': `
    brand string; checks @|null; country string|null; description? string|null; display_brand string|null; exp_month
    integer; exp_year integer; fingerprint? string|null; funding string; generated_from object|null; iin? string|null;
    issuer? string|null; last4 string; networks @|null; regulated_status enum(regulated,unregulated)|null;
    three_d_secure_usage @|null; wallet object|null`,
  'payment_method.card.checks': `
    address_line1_check string|null; address_postal_code_check string|null; cvc_check string|null`,
  'payment_method.card.networks': `available [string]; preferred string|null`,
  'payment_method.card.three_d_secure_usage': `supported boolean`,
  'payment_method.radar_options': `session? string`,
  price: `
    id string; object enum(price); active boolean; billing_scheme enum(per_unit,tiered); created integer; currency
    string; custom_unit_amount object|null; livemode boolean; lookup_key string|null; metadata map; nickname
    string|null; product string|object; recurring object|null; tax_behavior enum(exclusive,inclusive,unspecified)|null;
    tiers_mode enum(graduated,volume)|null; transform_quantity object|null; type enum(one_time,recurring); unit_amount
    integer|null; unit_amount_decimal string|null`,
  'radar.early_fraud_warning': `
    id string; object enum(radar.early_fraud_warning); actionable boolean; charge string|@charge; created integer;
    fraud_type string; livemode boolean; payment_intent? string|@payment_intent`,
  refund: `
    id string; object enum(refund); amount integer; balance_transaction string|@balance_transaction|null; charge
    string|@charge|null; created integer; currency string; customer string|object|null; customer_account string|null;
    destination_details? @; failure_balance_transaction? string|@balance_transaction; failure_reason? string; metadata
    map|null; payment_intent string|@payment_intent|null; payment_method string|@payment_method|null; pending_reason?
    enum(charge_pending,insufficient_funds,processing); reason
    enum(duplicate,expired_uncaptured_charge,fraudulent,requested_by_customer)|null; receipt_number string|null;
    source_transfer_reversal string|object|null; status string|null; transfer_reversal string|object|null`,
  'refund.destination_details': `card? @; type string`,
  'refund.destination_details.card': `
    reference? string; reference_status? string; reference_type? string; type enum(pending,refund,reversal)`,
  webhook_endpoint: `
    id string; object enum(webhook_endpoint); api_version string|null; application string|null; created integer;
    description string|null; enabled_events [string]; livemode boolean; metadata map; secret? string; status string; url
    string`,
};

/** Where the fixtures differ from the SDK's types; the types decide. Only keys of a card payment. */
export const FIXTURE_DIFFERENCES: Record<string, string> = {
  account:
    'business_profile lacks annual_revenue, estimated_worker_count and specified_commercial_transactions_act_url; ' +
    'future_requirements, requirements and tos_acceptance are optional and not shown to the account itself here',
  balance: 'has connect_reserved, which only platforms have',
  balance_transaction: 'the file of 2023 lacks balance_type',
  charge:
    'the file of 2023 has invoice, which is gone, and lacks source and billing_details.tax_id; both have refunds, which newer ' +
    'versions only show expanded, and lack radar_options, outcome.risk_level and the newer fields of payment_method_details.card',
  'checkout.session':
    'the file of 2023 has shipping_details, now in collected_information, and lacks some fifteen fields; both lack ' +
    'allowed_payment_method_types, branding_settings, integration_identifier and managed_payments',
  dispute:
    'lacks intended_submission_method, network_reason_code, payment_method_details and evidence_details.submission_method; its id ' +
    'begins with dp_, that of a PaymentIntent’s dispute with du_',
  payment_intent:
    'lacks allowed_payment_method_types, managed_payments, payment_record and automatic_payment_methods.allow_redirects',
  payment_method: 'lacks allow_redisplay',
  'radar.early_fraud_warning': 'lacks payment_intent, which is optional',
  refund: 'lacks customer, customer_account, payment_method and destination_details',
};
