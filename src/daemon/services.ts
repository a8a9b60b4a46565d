import { join } from 'node:path';
import {
  activityBooks,
  activityProvider,
  activityRequestor,
  slotLedger,
  usageSource,
  type ActivityBooks,
  type ActivityProvider,
  type ActivityRequestor,
  type SlotLedger,
} from '../activity/index.ts';
import type { Config } from '../config/index.ts';
import { exeUnits, type RuntimeRegistry } from '../exe-unit/index.ts';
import type {
  ActivityNetworks,
  AgreementSource,
  BlobFetcher,
  Clock,
  ExeUnits,
  Logger,
  Network,
  OutboxReplies,
  Signer,
  SlotAmounts,
  Startable,
  Store,
  Tasks,
  Verifier,
} from '../interface/index.ts';
import { agreementBucket, market, type Market } from '../market/index.ts';
import { addressOfPeerId } from '../network/index.ts';
import { ledger, payment, type Payment } from '../payment/index.ts';
import { tasks } from '../task/index.ts';
import { urlTransfers, type BlobStore } from '../transfer/index.ts';
import { newId } from '../util/id.ts';
import { vpn, type Vpn } from '../vpn/index.ts';
import { localAddresses } from '../util/local-addresses.ts';
import { Removals } from './removals.ts';
import { providerOf, soldActivities } from './vpn-sources.ts';

const MINUTE_MS = 60_000;
const MAX_BOOKED_BYTES = 256 << 20;

/** The layers below the features: books, network, keys, time. */
export interface Infrastructure {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: Store;
  readonly network: Network;
  readonly outbox: OutboxReplies;
  readonly blobs: BlobStore;
  readonly fetcher: BlobFetcher;
  readonly signer: Signer;
  readonly verifier: Verifier;
}

/** The provider's half of a node. */
export interface ProviderServices {
  readonly slots: SlotLedger;
  readonly exeUnits: ExeUnits & ActivityNetworks;
  readonly runtimes: RuntimeRegistry;
  readonly activities: ActivityProvider;
}

/** All features of a node, composed and not yet started. */
export interface Services {
  readonly market: Market;
  readonly provider: ProviderServices | undefined;
  readonly requestor: ActivityRequestor;
  readonly books: ActivityBooks;
  readonly payment: Payment;
  readonly tasks: Tasks & Startable;
  readonly removals: Removals;
  readonly vpn: Vpn;
}

/** `selling` is absent on a node that only buys. */
export interface Selling {
  readonly hardware: SlotAmounts;
  readonly runtimes: RuntimeRegistry;
}

export function services(
  config: Config,
  infrastructure: Infrastructure,
  selling: Selling | undefined,
): Services {
  const { store, clock, logger } = infrastructure;
  const slots =
    selling === undefined ? undefined : slotLedger({ total: selling.hardware }, { store, clock, logger });
  const theMarket = market(marketInit(config), {
    ...infrastructure,
    newId,
    addressOfPeerId,
    ...(slots === undefined ? {} : { slots }),
  });
  const provider =
    selling === undefined || slots === undefined
      ? undefined
      : providerServices(config, infrastructure, { ...selling, slots, market: theMarket });
  const logsDir = join(config.dataDir, 'logs');
  const requestor = activityRequestor(
    { logsDir, commandTimeoutMs: MINUTE_MS, abandonAfterMs: 10 * MINUTE_MS },
    { ...infrastructure, agreements: theMarket },
  );
  const agreementSource: AgreementSource = { agreement: (reader, id) => reader.get(agreementBucket, id) };
  const drivers = [
    ledger(
      { maxDue: config.payment.ledger.creditLimit },
      { ...infrastructure, newId, agreements: agreementSource },
    ),
  ];
  const thePayment = payment(
    {},
    { ...infrastructure, newId, agreements: theMarket, agreementSource, usage: usageSource, drivers },
  );
  return {
    market: theMarket,
    provider,
    requestor,
    payment: thePayment,
    books: activityBooks({
      store,
      requestor,
      ...(provider === undefined ? {} : { provider: provider.activities }),
    }),
    vpn: vpn({
      ...infrastructure,
      newId,
      peerOf: (address) => providerOf(infrastructure.store, theMarket, address),
      ...(provider !== undefined && { sold: soldActivities(infrastructure.store, provider.exeUnits) }),
    }),
    tasks: tasks(
      {
        agreementSlackMs: 5 * MINUTE_MS,
        searchTimeoutMs: MINUTE_MS,
        closeTimeoutMs: MINUTE_MS / 2,
        retryDelayMs: 1000,
      },
      {
        ...infrastructure,
        newId,
        agreements: theMarket,
        activities: requestor,
        allocations: thePayment.allocations,
      },
    ),
    removals: new Removals({ logsDir }, { ...infrastructure, allocations: thePayment.allocations }),
  };
}

function marketInit(config: Config) {
  const { provider } = config;
  return {
    offerLifetimeMs: provider.offerTtlMs,
    provider: {
      requestors: { allow: provider.allow, deny: provider.deny },
      maxAgreements: provider.maxAgreements,
    },
  };
}

function providerServices(
  config: Config,
  infrastructure: Infrastructure,
  parts: Selling & { slots: SlotLedger; market: Market },
): ProviderServices {
  const { slots, runtimes } = parts;
  const { provider, dataDir } = config;
  const units = exeUnits({ dataDir, warm: provider.warmPool }, { ...infrastructure, runtimes });
  const activities = activityProvider(
    {
      nodeId: infrastructure.signer.address,
      sampleIntervalMs: provider.sampleIntervalMs,
      retentionMs: 10 * MINUTE_MS,
      orphanGraceMs: 5 * MINUTE_MS,
      quarantineAfterBoots: provider.quarantineAfterBoots,
      blobAllowanceBytes: config.api.maxPackageBytes,
      maxBookedBytes: MAX_BOOKED_BYTES,
      runtimeAliases: config.yagna.runtimeAliases,
    },
    {
      ...infrastructure,
      urls: urlTransfers({ allowHosts: provider.transfer.allowHosts }, { ...infrastructure, localAddresses }),
      exeUnits: units,
      agreements: parts.market,
      slots,
    },
  );
  return { slots, exeUnits: units, runtimes, activities };
}
