import type { Mode } from '../store/store.ts';

/** Something the simulator does by itself at a moment on its clock. */
export type Due = {
  kind: 'aftermath' | 'checkout_session' | 'dispute' | 'hold' | 'refund';
  mode: Mode;
  /** The charge, the session, the dispute, the PaymentIntent or the refund. */
  id: string;
  /** Milliseconds since the epoch. */
  atMs: number;
};

type Planned = { due: Due; cancel: () => void };

/**
 * What is still to come, kept by the store as it applies state lines: a plan is never journalled, it follows from the
 * objects, and so it survives a restart by itself. One plan for each kind and object.
 */
export class Timetable {
  readonly #planned = new Map<string, Planned>();
  #arm: ((due: Due) => () => void) | undefined;

  set(due: Due): void {
    const name = nameOf(due);
    this.#planned.get(name)?.cancel();
    this.#planned.set(name, { due, cancel: this.#arm?.(due) ?? nothing });
  }

  clear(kind: Due['kind'], id: string): void {
    const name = nameOf({ kind, id });
    this.#planned.get(name)?.cancel();
    this.#planned.delete(name);
  }

  has(kind: Due['kind'], id: string): boolean {
    return this.#planned.has(nameOf({ kind, id }));
  }

  /** From now on `arm` is called for every plan, also for those an earlier run left. It answers how to cancel. */
  start(arm: (due: Due) => () => void): void {
    this.#arm = arm;
    for (const planned of this.#planned.values()) planned.cancel = arm(planned.due);
  }
}

function nameOf({ kind, id }: Pick<Due, 'id' | 'kind'>): string {
  return `${kind}/${id}`;
}

function nothing(): void {}
