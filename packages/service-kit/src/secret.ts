import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** A value that never prints: not in JSON, templates, util.inspect, spreads or error causes. Only `reveal()` opens it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The clear value. Call it at the last moment, where it goes onto the wire. */
  reveal(): string {
    return this.#value;
  }

  /** The last four characters, or nothing of a value under 12 characters, of which four would tell too much. */
  last4(): string {
    return this.#value.length < 12 ? '' : this.#value.slice(-4);
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
