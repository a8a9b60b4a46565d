import { takeOver, type Config } from '../config/index.ts';
import type { RuntimeReport } from '../exe-unit/index.ts';
import type { Clock, ConfigReload, Logger, Network, Sender, Store } from '../interface/index.ts';
import { agreementBucket } from '../market/index.ts';
import {
  providerControl,
  type Control,
  type HeldActivities,
  type ProviderMarket,
} from '../provider/index.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { sellableHardware } from './hardware.ts';
import { machine } from './machine.ts';
import { MINIMUM, offerDrafts, type OfferDraftsComponents } from './offer-drafts.ts';
import { factsOf, presetNotes } from './preset-notes.ts';
import type { ProviderServices, Services } from './services.ts';

/** The configuration that holds now. */
export interface LiveConfig {
  current: Config;
}

/** Whom this node has no connection with, as its configuration is now. */
export function isDenied({ current }: LiveConfig, { address }: Pick<Sender, 'address'>): boolean {
  return current.provider.deny.some((denied) => denied.toLowerCase() === address.toLowerCase());
}

export interface SellingContext {
  readonly live: LiveConfig;
  readonly infrastructure: {
    readonly store: Store;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly network: Pick<Network, 'disconnect'>;
  };
  readonly services: Services;
  readonly address: string;
}

/** The provider's control for the operator; undefined on a node that only buys. */
export function sellingControl(context: SellingContext): Control | undefined {
  const { live, infrastructure, services, address } = context;
  const { provider } = services;
  if (provider === undefined) return undefined;
  return providerControl(
    { schedule: live.current.provider.schedule, address },
    {
      ...infrastructure,
      machine: machine(),
      activities: heldActivities(provider, services),
      market: providerMarket(context, provider),
    },
  );
}

function heldActivities({ activities }: ProviderServices, { books }: Services): HeldActivities {
  return {
    setPaused: (paused) => activities.setPaused(paused),
    workingThreads: () => activities.workingThreads(),
    async countByState() {
      const counts: Record<string, number> = {};
      for (const { state } of await books.list({ where: { index: 'live', equals: 'provider' } })) {
        counts[state] = (counts[state] ?? 0) + 1;
      }
      return counts;
    },
  };
}

/** The parts that offers are made of, as they are now. Runtimes in `known` are not asked again. */
export async function draftParts(
  {
    live,
    infrastructure,
    services,
    address,
  }: Omit<SellingContext, 'infrastructure'> & {
    readonly infrastructure: Pick<SellingContext['infrastructure'], 'logger'>;
  },
  { runtimes, slots }: ProviderServices,
  known?: readonly RuntimeReport[],
): Promise<OfferDraftsComponents> {
  const reports = known ?? (await runtimes.reports());
  const { drivers } = services.payment;
  return {
    config: live.current,
    address,
    hardware: slots.total,
    reports,
    drivers,
    logger: infrastructure.logger,
  };
}

function providerMarket(
  { live, infrastructure, services, address }: SellingContext,
  provider: ProviderServices,
): ProviderMarket {
  const { market } = services;
  let reports: readonly RuntimeReport[] = [];
  const publish = async (parts: OfferDraftsComponents): Promise<void> => {
    ({ reports } = parts);
    await market.offers.publish(offerDrafts(parts));
  };
  const agreements = (): Promise<number> =>
    infrastructure.store.count(agreementBucket, { index: 'roleState', equals: 'provider:Approved' });
  return {
    setClosed: (closed) => market.changePolicy({ closed }),
    publish: async () => publish(await draftParts({ live, infrastructure, services, address }, provider)),
    async renew() {
      const renewed = await provider.runtimes.renew(reports);
      if (canonicalJson(fingerprints(renewed)) === canonicalJson(fingerprints(reports))) return;
      infrastructure.logger.warn(
        { runtimes: fingerprints(renewed) },
        'what this machine can offer has changed',
      );
      await publish(await draftParts({ live, infrastructure, services, address }, provider, renewed));
    },
    withdraw: () => market.offers.withdraw(),
    presetNotes: () => (reports.length === 0 ? [] : presetNotes(live.current, reports.map(factsOf))),
    offers: async () => (await market.offers.own()).length,
    agreements,
    soldOut: async () => {
      const free = await provider.slots.free(infrastructure.store);
      const fits = amountsOf(MINIMUM).every(([amount, least]) => free[amount] >= least);
      return !fits || (await agreements()) >= live.current.provider.maxAgreements;
    },
  };
}

const amountsOf = ({ cpuThreads, memoryBytes, storageBytes }: typeof MINIMUM) =>
  Object.entries({ cpuThreads, memoryBytes, storageBytes }) as [keyof typeof MINIMUM, number][];

const fingerprints = (reports: readonly RuntimeReport[]) =>
  reports.map(({ descriptor: { name }, fingerprint: { available, properties } }) => ({
    name,
    available,
    properties,
  }));

/** Takes over what a running node can of a configuration that was read again. The file has been checked as a whole. */
export async function applyConfig(
  { live, infrastructure, services, address }: SellingContext,
  control: Control | undefined,
  wanted: Config,
): Promise<ConfigReload> {
  const change = takeOver(live.current, wanted);
  const outcome = { applied: [...change.applied], restartNeeded: [...change.restartNeeded] };
  if (outcome.applied.length > 0) {
    live.current = change.config;
    const { hardware, allow, deny, maxAgreements, schedule } = change.config.provider;
    if (outcome.applied.some((path) => path.startsWith('provider.hardware.'))) {
      services.provider?.slots.resize(await sellableHardware(change.config.dataDir, hardware));
    }
    services.market.changePolicy({ requestors: { allow, deny }, maxAgreements });
    infrastructure.network.disconnect((peer) => isDenied(live, peer));
    await control?.refresh(schedule);
  }
  infrastructure.logger.info(outcome, 'the configuration was read again');
  await infrastructure.store.transact(async (tx) =>
    tx.emit({ type: 'node.config-reloaded', subject: address, data: outcome }),
  );
  return outcome;
}
