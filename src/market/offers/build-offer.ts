import {
  PROPERTY,
  platformAddressProperty,
  platformDecimalsProperty,
} from '../../interface/property-names.ts';
import type { SlotAmounts } from '../../interface/slots.ts';
import type { Properties } from '../../interface/values.ts';
import { parseFilter } from '../language/parse.ts';
import { parseTokens } from '../../util/token-amount.ts';
import { MarketError } from '../errors.ts';

/** What a provider asks for a runtime: tokens as decimal strings. */
export interface Preset {
  readonly name: string;
  /** Counter → tokens per unit. */
  readonly prices: Readonly<Record<string, string>>;
  readonly startPrice: string;
  /** Usage counts from the deployment on. */
  readonly deploymentBilled?: boolean;
  /** What the provider asks of demands; nothing by default. */
  readonly constraints?: string;
  /** Further properties of the offer. */
  readonly properties?: Properties;
}

/** A property in seconds that can be negotiated. */
export interface SecondsRange {
  readonly min: number;
  readonly max: number;
  readonly default: number;
}

/** The conditions that all offers of a node share. */
export interface OfferConditions {
  readonly debitNoteIntervalSec: SecondsRange;
  readonly debitNoteAcceptTimeoutSec: SecondsRange;
  readonly paymentTimeoutSec: SecondsRange;
  readonly idleTimeoutSec: number;
  readonly maxOutputBytes: number;
  /** What an agreement holds whose demand does not say. */
  readonly minimum: SlotAmounts;
}

/** All that an offer is made of. */
export interface OfferSource {
  readonly node: { readonly name: string; readonly subnet: string };
  readonly runtime: {
    /** The name to publish: the descriptor's, or an alias of it. */
    readonly name: string;
    readonly version: string;
    readonly capabilities: readonly string[];
    /** The descriptor's, then the fingerprint's. */
    readonly properties: Properties;
  };
  readonly preset: Preset;
  readonly hardware: {
    readonly architecture: string;
    readonly cpuCores: number;
    readonly offered: SlotAmounts;
  };
  readonly platforms: readonly {
    readonly name: string;
    readonly address: string;
    readonly decimals: number;
  }[];
  readonly conditions: OfferConditions;
  readonly transferProtocols: readonly string[];
}

/** An offer before it gets its id, times and signature. One for each preset × runtime name. */
export interface OfferDraft {
  readonly properties: Properties;
  readonly constraints: string;
  /** Withdrawn while less than this is free. */
  readonly minimum: SlotAmounts;
  /** Published by hand, under this id: a person or a REST client decides on each proposal and agreement. */
  readonly hand?: string;
}

/** Pure. Throws a MarketError for prices or constraints that are malformed. */
export function buildOffer(source: OfferSource): OfferDraft {
  const { preset, conditions } = source;
  const constraints = preset.constraints ?? '(&)';
  parseFilter(constraints);
  return {
    properties: {
      ...source.runtime.properties,
      ...preset.properties,
      ...nodeProperties(source),
      ...hardwareProperties(source),
      ...pricingProperties(source),
      ...conditionProperties(conditions),
    },
    constraints,
    minimum: conditions.minimum,
  };
}

function nodeProperties({ node, runtime, preset, transferProtocols }: OfferSource): Properties {
  return {
    [PROPERTY.nodeName]: node.name,
    [PROPERTY.subnet]: node.subnet,
    [PROPERTY.preset]: preset.name,
    [PROPERTY.runtimeName]: runtime.name,
    [PROPERTY.runtimeVersion]: runtime.version,
    [PROPERTY.runtimeCapabilities]: [...runtime.capabilities],
    [PROPERTY.multiActivity]: true,
    [PROPERTY.transferProtocols]: [...transferProtocols],
  };
}

function hardwareProperties({ hardware, conditions: { minimum, maxOutputBytes } }: OfferSource): Properties {
  const { offered } = hardware;
  return {
    [PROPERTY.cpuArchitecture]: hardware.architecture,
    [PROPERTY.cpuCores]: Math.min(hardware.cpuCores, offered.cpuThreads),
    [PROPERTY.cpuThreads]: offered.cpuThreads,
    [PROPERTY.memoryGib]: gib(offered.memoryBytes),
    [PROPERTY.storageGib]: gib(offered.storageBytes),
    [PROPERTY.memoryBytes]: offered.memoryBytes,
    [PROPERTY.storageBytes]: offered.storageBytes,
    [PROPERTY.cpuThreadsMin]: Math.max(1, minimum.cpuThreads),
    [PROPERTY.memoryBytesMin]: minimum.memoryBytes,
    [PROPERTY.storageBytesMin]: minimum.storageBytes,
    [PROPERTY.maxOutputBytes]: maxOutputBytes,
  };
}

/** Rounded down: an offer does not promise what is not there. */
function gib(bytes: number): number {
  return Math.floor((bytes / 2 ** 30) * 1000) / 1000;
}

function pricingProperties({ preset, platforms }: OfferSource): Properties {
  const counters = Object.keys(preset.prices);
  const coefficients = [...Object.values(preset.prices), preset.startPrice];
  const properties: Properties = {
    [PROPERTY.pricingModel]: 'linear',
    [PROPERTY.usageVector]: counters,
    [PROPERTY.linearCoefficients]: coefficients,
    ...(preset.deploymentBilled === true && { [PROPERTY.deploymentBilled]: true }),
    [PROPERTY.paymentScheme]: 'payu',
    [PROPERTY.paymentProtocolVersion]: 3,
  };
  for (const platform of platforms) {
    const bad = coefficients.find((price) => parseTokens(price, platform.decimals) === undefined);
    if (bad !== undefined) {
      throw new MarketError(
        'ERR_MARKET_TERMS',
        `Preset ${preset.name}: ${bad} is no price in ${platform.name} (${platform.decimals} decimals)`,
        {
          property: PROPERTY.linearCoefficients,
          value: bad,
        },
      );
    }
    properties[platformAddressProperty(platform.name)] = platform.address;
    properties[platformDecimalsProperty(platform.name)] = platform.decimals;
  }
  return properties;
}

function conditionProperties(conditions: OfferConditions): Properties {
  return {
    [PROPERTY.debitNoteIntervalSec]: conditions.debitNoteIntervalSec.default,
    [PROPERTY.debitNoteIntervalMinSec]: conditions.debitNoteIntervalSec.min,
    [PROPERTY.debitNoteIntervalMaxSec]: conditions.debitNoteIntervalSec.max,
    [PROPERTY.debitNoteAcceptTimeoutSec]: conditions.debitNoteAcceptTimeoutSec.default,
    [PROPERTY.debitNoteAcceptTimeoutMinSec]: conditions.debitNoteAcceptTimeoutSec.min,
    [PROPERTY.debitNoteAcceptTimeoutMaxSec]: conditions.debitNoteAcceptTimeoutSec.max,
    [PROPERTY.paymentTimeoutSec]: conditions.paymentTimeoutSec.default,
    [PROPERTY.paymentTimeoutMinSec]: conditions.paymentTimeoutSec.min,
    [PROPERTY.paymentTimeoutMaxSec]: conditions.paymentTimeoutSec.max,
    [PROPERTY.idleTimeoutSec]: conditions.idleTimeoutSec,
  };
}
