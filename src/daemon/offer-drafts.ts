import { arch } from 'node:os';
import type { Config } from '../config/index.ts';
import type { RuntimeReport } from '../exe-unit/index.ts';
import {
  PROPERTY,
  type Logger,
  type PaymentDriver,
  type Properties,
  type SlotAmounts,
} from '../interface/index.ts';
import { buildOffer, type OfferConditions, type OfferDraft } from '../market/index.ts';
import { without } from '../util/without.ts';
import { countersOf, factsOf, whyWithheld, type Preset } from './preset-notes.ts';

const MIB = 1024 * 1024;
/** What an agreement holds when its demand does not say. */
export const MINIMUM: SlotAmounts = { cpuThreads: 1, memoryBytes: 128 * MIB, storageBytes: 64 * MIB };
/** How clients of Yagna ask for a network; their manifests are read by their own node. */
const INTERNET = ['inet', 'manifest-support'];
const seconds = (ms: number): number => Math.max(1, Math.round(ms / 1000));

export interface OfferDraftsComponents {
  readonly config: Config;
  readonly address: string;
  readonly hardware: SlotAmounts;
  readonly reports: readonly RuntimeReport[];
  readonly drivers: readonly PaymentDriver[];
  readonly logger: Logger;
}

/** What this node puts on the market: each preset whose runtime works on this machine. */
export function offerDrafts(components: OfferDraftsComponents): Record<string, OfferDraft> {
  const { config, reports, logger } = components;
  const drafts: Record<string, OfferDraft> = {};
  for (const preset of config.provider.presets) {
    if (!config.provider.runtimes.includes(preset.runtime)) continue;
    const report = reports.find(({ descriptor }) => descriptor.name === preset.runtime);
    // Docker is on offer by default, also where there is none: `ergon doctor` and the provider's status say so too.
    const why = whyWithheld(preset, report && factsOf(report));
    if (report === undefined || why !== undefined) {
      logger.info({ preset: preset.name, runtime: preset.runtime, why }, 'preset not offered');
      continue;
    }
    for (const { key, runtimeName } of namesOf(preset, config))
      drafts[key] = draftOf(preset, report, runtimeName, components);
  }
  return drafts;
}

/** What this node would offer of a runtime by one of its names, free of charge: whoever offers it by hand sets the price. */
export function offerTemplate(
  runtimeName: string,
  components: OfferDraftsComponents,
): { draft: OfferDraft; counters: readonly string[] } | undefined {
  const { config, reports } = components;
  const { enabled, runtimeAliases } = config.yagna;
  const aliased =
    enabled && Object.hasOwn(runtimeAliases, runtimeName) ? runtimeAliases[runtimeName] : undefined;
  const runtime = aliased ?? runtimeName;
  if (!config.provider.runtimes.includes(runtime)) return undefined;
  const report = reports.find(({ descriptor }) => descriptor.name === runtime);
  if (report?.fingerprint.available !== true) return undefined;
  const free = { name: 'by hand', pricing: { startPrice: '0', perCounter: {} } };
  const draft = draftOf(free, report, runtimeName, components);
  return { draft, counters: countersOf(report.descriptor) };
}

/** One offer for each name of the runtime: a client of Yagna always asks for exactly one. */
function namesOf({ name, runtime }: Preset, { yagna }: Config): { key: string; runtimeName: string }[] {
  const aliases = Object.entries(yagna.enabled ? yagna.runtimeAliases : {});
  return [
    { key: name, runtimeName: runtime },
    ...aliases
      .filter(([, target]) => target === runtime)
      .map(([alias]) => ({ key: `${name} as ${alias}`, runtimeName: alias })),
  ];
}

function draftOf(
  preset: Omit<Preset, 'runtime'>,
  { descriptor, fingerprint }: RuntimeReport,
  runtimeName: string,
  { config, address, hardware, drivers }: OfferDraftsComponents,
): OfferDraft {
  const properties = sold(fingerprint.properties, preset);
  return buildOffer({
    node: { name: config.name, subnet: config.subnet },
    runtime: {
      name: runtimeName,
      version: descriptor.version,
      capabilities: [
        ...descriptor.capabilities,
        ...(fingerprint.capabilities ?? []),
        ...(properties[PROPERTY.network] === true ? INTERNET : []),
      ],
      properties: { ...descriptor.properties, ...properties },
    },
    preset: {
      name: preset.name,
      startPrice: preset.pricing.startPrice,
      prices: preset.pricing.perCounter,
      deploymentBilled: preset.pricing.deploymentBilled === true,
    },
    hardware: { architecture: arch(), cpuCores: hardware.cpuThreads, offered: hardware },
    platforms: drivers.map(({ platform, decimals }) => ({ name: platform, address, decimals })),
    conditions: conditionsOf(config),
    transferProtocols: ['blob'],
  });
}

/** A runtime may have a network that this preset does not sell. */
function sold(properties: Properties, { network }: Pick<Preset, 'network'>): Properties {
  return network === true ? properties : without(properties, PROPERTY.network);
}

function conditionsOf({ provider }: Config): OfferConditions {
  const interval = seconds(provider.debitNoteIntervalMs);
  const accept = seconds(provider.debitNoteAcceptTimeoutMs);
  const payment = seconds(provider.paymentTimeoutMs);
  return {
    debitNoteIntervalSec: { min: 1, max: interval, default: interval },
    debitNoteAcceptTimeoutSec: { min: 1, max: accept, default: accept },
    paymentTimeoutSec: { min: 1, max: payment, default: payment },
    idleTimeoutSec: seconds(provider.idleAgreementTimeoutMs),
    maxOutputBytes: provider.maxOutputBytes,
    minimum: MINIMUM,
  };
}
