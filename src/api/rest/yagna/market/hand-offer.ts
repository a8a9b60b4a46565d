import { PROPERTY, type Properties } from '../../../../interface/index.ts';
import type { OfferDraft } from '../../../../market/index.ts';
import type { OfferTemplate } from '../../../yagna-parts.ts';
import { invalid } from '../errors.ts';
import { tokensOf, unitsOf } from '../money.ts';
import type { Platforms } from '../platforms.ts';
import type { ClientDemand } from './records.ts';
import { ourConstraints } from './constraints.ts';
import { flat, toClient } from './properties.ts';

type Value = Properties[string];

const GIB = 2 ** 30;
const COEFFICIENTS = 'golem.com.pricing.model.linear.coeffs';
/** Properties that an offer by hand may set freely. */
const OPEN: readonly string[] = [PROPERTY.usageVector, PROPERTY.nodeName, PROPERTY.subnet];
/** Seconds that the node gives bounds for. */
const BOUNDED: Readonly<Record<string, readonly [min: string, max: string]>> = {
  [PROPERTY.debitNoteIntervalSec]: [PROPERTY.debitNoteIntervalMinSec, PROPERTY.debitNoteIntervalMaxSec],
  [PROPERTY.debitNoteAcceptTimeoutSec]: [
    PROPERTY.debitNoteAcceptTimeoutMinSec,
    PROPERTY.debitNoteAcceptTimeoutMaxSec,
  ],
  [PROPERTY.paymentTimeoutSec]: [PROPERTY.paymentTimeoutMinSec, PROPERTY.paymentTimeoutMaxSec],
};
/** Amounts that an offer by hand may lower, each with the property that has the exact figure. */
const LESS: Readonly<Record<string, string | undefined>> = {
  [PROPERTY.cpuThreads]: undefined,
  [PROPERTY.cpuCores]: undefined,
  [PROPERTY.memoryGib]: PROPERTY.memoryBytes,
  [PROPERTY.storageGib]: PROPERTY.storageBytes,
};
/** Properties that state what this node can do: an offer by hand cannot change them. */
const FACTS = /^(golem\.(srv\.caps|runtime|activity|com\.payment|com\.scheme|com\.pricing)\.|ergon\.)/;

/** An offer in a client's words over what this node would offer of itself. */
export function handDraft(
  { draft: base, counters }: OfferTemplate,
  client: ClientDemand,
  platforms: Platforms,
): OfferDraft {
  return {
    properties: { ...base.properties, ...words(base.properties, client.properties, platforms, counters) },
    constraints: ourConstraints(client.constraints, platforms),
    minimum: base.minimum,
  };
}

/**
 * What a client says otherwise than `base`, in this node's properties. What the node could not keep is refused: a
 * promise of more than there is, another account, another runtime, a price for what is not counted.
 */
export function words(
  base: Properties,
  given: ClientDemand['properties'],
  platforms: Platforms,
  counters: readonly string[],
): Properties {
  const shown = toClient(base, platforms);
  const changes: Properties = {};
  for (const [key, value] of flat(given, '')) {
    if (same(shown[key], value)) continue;
    Object.assign(changes, change(base, shown, key, value, platforms));
  }
  const vector = changes[PROPERTY.usageVector] ?? base[PROPERTY.usageVector];
  const prices = changes[PROPERTY.linearCoefficients] ?? base[PROPERTY.linearCoefficients];
  if (!Array.isArray(vector) || !Array.isArray(prices) || prices.length !== vector.length + 1)
    throw invalid(`${COEFFICIENTS} needs a price for each of ${PROPERTY.usageVector}, and one for the start`);
  const uncounted = vector.filter((counter) => !counters.includes(String(counter)));
  if (uncounted.length > 0)
    throw invalid(`Nobody counts ${uncounted.join(', ')} here: ${counters.join(', ')} are`);
  return changes;
}

function change(
  base: Properties,
  shown: Properties,
  key: string,
  value: Value,
  platforms: Platforms,
): Properties {
  if (key === COEFFICIENTS) return { [PROPERTY.linearCoefficients]: prices(value, platforms) };
  if (OPEN.includes(key)) return { [key]: value };
  const bounds = BOUNDED[key];
  if (bounds !== undefined) return { [key]: within(base, key, value, bounds) };
  if (Object.hasOwn(LESS, key)) return lessOf(base, key, value);
  if (Object.hasOwn(shown, key) || FACTS.test(key))
    throw invalid(
      `${key} is ${JSON.stringify(shown[key] ?? null)} on this node, not ${JSON.stringify(value)}`,
    );
  return { [key]: value };
}

function prices(value: Value, platforms: Platforms): string[] {
  if (!Array.isArray(value)) throw invalid(`${COEFFICIENTS} must be a list of prices`);
  const decimals = Math.min(...platforms.names().map((name) => platforms.decimalsOf(name)));
  return value.map((price) => tokensOf(unitsOf(String(price), decimals).toString(), decimals));
}

function within(base: Properties, key: string, value: Value, [min, max]: readonly [string, string]): number {
  const [low, high] = [Number(base[min]), Number(base[max])];
  if (typeof value === 'number' && value >= low && value <= high) return value;
  throw invalid(
    `${key} lies between ${low} and ${high} on this node, which ${JSON.stringify(value)} does not`,
  );
}

function lessOf(base: Properties, key: string, value: Value): Properties {
  const most = Number(base[key]);
  if (typeof value !== 'number' || value <= 0 || value > most)
    throw invalid(`${key} can be up to ${most} on this node, not ${JSON.stringify(value)}`);
  const exact = LESS[key];
  return { [key]: value, ...(exact !== undefined && { [exact]: Math.floor(value * GIB) }) };
}

function same(a: Value | undefined, b: Value): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
