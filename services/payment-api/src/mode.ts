import { Mode } from '@centra/proto/centra/money/v1/money.ts';

/** The proto's name of a mode. */
export function toMode(mode: 'test' | 'live'): Mode {
  return mode === 'live' ? Mode.MODE_LIVE : Mode.MODE_TEST;
}

/** Ours, of the proto's. A payment without a mode is a bug of its sender. */
export function fromMode(mode: Mode): 'test' | 'live' {
  if (mode === Mode.MODE_LIVE) return 'live';
  if (mode === Mode.MODE_TEST) return 'test';
  throw new Error(`transaction sent the mode ${mode}`);
}
