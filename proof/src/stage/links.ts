import { startFaultProxy } from '@centra/testkit/fault-proxy.ts';
import type { FaultProxy } from '@centra/testkit/fault-proxy.ts';
import type { LinkName } from './stage.ts';

/** Loopback ports of each wire's far end. */
export type LinkTargets = Readonly<Record<LinkName, readonly number[]>>;
export type Links = Readonly<Record<LinkName, FaultProxy>>;

/** One fault proxy for each wire. */
export async function startLinks(names: readonly LinkName[], targets: LinkTargets): Promise<Links> {
  const links: Partial<Record<LinkName, FaultProxy>> = {};
  await Promise.all(
    names.map(async (name) => {
      const ends = targets[name].map((port) => ({ host: '127.0.0.1', port }));
      links[name] = await startFaultProxy({ targets: ends });
    }),
  );
  if (!areComplete(links, names)) throw new Error('a link is missing');
  return links;
}

function areComplete(
  links: Partial<Record<LinkName, FaultProxy>>,
  names: readonly LinkName[],
): links is Links {
  return names.every((name) => links[name] !== undefined);
}

export async function closeLinks(links: Links): Promise<void> {
  await Promise.all(Object.values(links).map(async (link) => await link.close()));
}
