import { PROPERTY, type Properties } from '../../../../interface/index.ts';
import { parseFilter, printFilter } from '../../../../market/index.ts';
import type { Platforms } from '../platforms.ts';
import { ourKey } from './properties.ts';

type Filter = ReturnType<typeof parseFilter>;

const GIB = 2 ** 30;

/** A client's constraints in ours. @throws ConstraintError */
export function ourConstraints(text: string, platforms: Platforms): string {
  return printFilter(rename(parseFilter(text), platforms));
}

function rename(filter: Filter, platforms: Platforms): Filter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { ...filter, items: filter.items.map((item) => rename(item, platforms)) };
    case 'not':
      return { ...filter, item: rename(filter.item, platforms) };
    default:
      return { ...filter, key: ourKey(filter.key, platforms) };
  }
}

/**
 * What a client's lower bounds on a provider's hardware reserve of it. Yagna gives the whole machine to each
 * agreement; here an agreement holds what was asked for.
 */
export function requestedResources(constraints: string): Properties {
  const bounds = lowerBounds(parseFilter(constraints));
  const threads = Math.max(bounds.get(PROPERTY.cpuThreads) ?? 0, bounds.get(PROPERTY.cpuCores) ?? 0);
  const memory = bounds.get(PROPERTY.memoryGib) ?? 0;
  const storage = bounds.get(PROPERTY.storageGib) ?? 0;
  return {
    ...(threads > 0 && { [PROPERTY.requestedCpuThreads]: Math.ceil(threads) }),
    ...(memory > 0 && { [PROPERTY.requestedMemoryBytes]: Math.ceil(memory * GIB) }),
    ...(storage > 0 && { [PROPERTY.requestedStorageBytes]: Math.ceil(storage * GIB) }),
  };
}

/** The highest lower bound of each key, of the terms that all have to hold. */
function lowerBounds(filter: Filter): Map<string, number> {
  const bounds = new Map<string, number>();
  const terms = filter.kind === 'and' ? filter.items.flatMap(andTerms) : [filter];
  for (const term of terms) {
    if (term.kind !== 'compare' || !['>=', '>', '='].includes(term.op)) continue;
    const value = Number(term.value);
    if (Number.isFinite(value)) bounds.set(term.key, Math.max(bounds.get(term.key) ?? 0, value));
  }
  return bounds;
}

function andTerms(filter: Filter): Filter[] {
  return filter.kind === 'and' ? filter.items.flatMap(andTerms) : [filter];
}
