import { Migration } from '@mikro-orm/migrations';

/**
 * What the built-in card simulator remembers, as a bank would. An ordinary charge writes nothing here: its facts are in
 * its reference. No merchant_id: to a bank a hotel is one of its accounts, and `account_id` is unique in the platform.
 */
export class Migration0003Simulator extends Migration {
  override up(): void {
    // The key from which the addresses of challenge pages are derived, so that a repeated charge gives the same
    // address while only hashes of them are stored. Two random UUIDs are 244 random bits.
    this.addSql(`
      create table simulator_secret (
        is_only boolean primary key default true,
        secret bytea not null,
        constraint simulator_secret_one check (is_only)
      );
    `);
    this.addSql(`
      insert into simulator_secret (secret)
      values (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
    `);

    // One row for each payment that something followed on. It holds nothing: it is what follow-ups queue on.
    this.addSql(`
      create table simulator_payments (
        account_id text not null,
        reference text not null,
        primary key (account_id, reference)
      );
    `);

    // The journal: every capture, void, refund and adjustment that was decided, also the refused ones, so that a
    // repeated key gets the first answer.
    this.addSql(`
      create table simulator_effects (
        account_id text not null,
        provider_key text not null,
        seq bigint generated always as identity,
        reference text not null,
        kind text not null,
        -- Of an adjustment the new total of the hold.
        amount_minor bigint not null,
        is_final boolean not null,
        state text not null,
        failure_code text,
        -- A refund whose bank takes its time, or changes its mind: from then on it is in settled_state.
        settles_at timestamptz,
        settled_state text,
        created_at timestamptz not null default clock_timestamp(),
        primary key (account_id, provider_key),
        constraint simulator_effect_payment foreign key (account_id, reference)
          references simulator_payments (account_id, reference),
        constraint simulator_effect_kind check (kind in ('capture', 'void', 'refund', 'adjust')),
        constraint simulator_effect_state check (state in ('succeeded', 'declined', 'pending')),
        constraint simulator_effect_settled check (settled_state in ('succeeded', 'failed')),
        constraint simulator_effect_settles check ((settles_at is null) = (settled_state is null)),
        constraint simulator_effect_pending check (state <> 'pending' or settles_at is not null),
        constraint simulator_effect_failure check ((state = 'declined') = (failure_code is not null)),
        constraint simulator_effect_amount check (amount_minor >= 0)
      );
    `);
    this.addSql(`create index simulator_effects_payment on simulator_effects (account_id, reference, seq);`);
    this.addSql(`
      create trigger simulator_effects_append_only before update or delete or truncate on simulator_effects
        for each statement execute function refuse_change();
    `);

    // A bank's challenge (3-D Secure), or a hosted page: both wait for somebody in front of a browser.
    this.addSql(`
      create table simulator_challenges (
        account_id text not null,
        provider_key text not null,
        kind text not null,
        -- SHA-256 of the unguessable part of the page's address.
        token_hash bytea not null,
        operation_id uuid not null,
        reference text not null,
        booking_reference text not null,
        -- Masked; absent on a hosted page, which asks for the card itself.
        card jsonb,
        approve_url text not null,
        refuse_url text not null,
        -- What the bank says after the guest approved; absent: it approves too.
        failure_code text,
        state text not null default 'open',
        expires_at timestamptz not null,
        created_at timestamptz not null default now(),
        answered_at timestamptz,
        primary key (account_id, provider_key),
        constraint simulator_challenge_token unique (token_hash),
        constraint simulator_challenge_reference unique (account_id, reference),
        constraint simulator_challenge_kind check (kind in ('challenge', 'hosted')),
        constraint simulator_challenge_state check (state in ('open', 'approved', 'refused', 'canceled')),
        constraint simulator_challenge_answered check ((state = 'open') = (answered_at is null))
      );
    `);
    // The first answer is the answer: a challenge that was answered or withdrawn never changes again.
    this.addSql(`
      create function guard_simulator_challenge() returns trigger language plpgsql as $$
      begin
        if old.state <> 'open' then
          raise exception 'simulator challenge is over' using errcode = 'insufficient_privilege';
        end if;
        return new;
      end $$;
    `);
    this.addSql(`
      create trigger simulator_challenge_guard before update on simulator_challenges
        for each row execute function guard_simulator_challenge();
    `);

    // How often something was tried, for cards and amounts that behave otherwise the first time.
    this.addSql(`
      create table simulator_tries (
        account_id text not null,
        subject text not null,
        call_key text not null,
        nth integer not null,
        primary key (account_id, subject, call_key),
        constraint simulator_try_nth unique (account_id, subject, nth)
      );
    `);
  }
}
