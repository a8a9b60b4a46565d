import type { StoredEvent } from '../../../interface/index.ts';
import { BatchRunner } from './activity/batch-runner.ts';
import { Packages } from './activity/packages.ts';
import { EventRecorder } from './events/recorder.ts';
import { Files } from './gsb/files.ts';
import { GsbServices } from './gsb/services.ts';
import type { YagnaContext } from './init.ts';
import { AgreementAdapter } from './market/agreement-adapter.ts';
import { DemandBook } from './market/demand-book.ts';
import { Negotiations } from './market/negotiations.ts';
import { OfferAdapter } from './market/offer-adapter.ts';
import { Scans } from './market/scans.ts';
import { Platforms } from './platforms.ts';

/** What the routes of the Yagna-compatible API share, and what runs behind them. */
export interface YagnaServices {
  readonly context: YagnaContext;
  /** This node, as clients read it. */
  readonly me: string;
  readonly platforms: Platforms;
  readonly recorder: EventRecorder;
  readonly demands: DemandBook;
  readonly offers: OfferAdapter;
  readonly negotiations: Negotiations;
  readonly agreements: AgreementAdapter;
  readonly scans: Scans;
  readonly gsb: GsbServices;
  readonly files: Files;
  readonly packages: Packages;
  readonly batches: BatchRunner;
}

export function yagnaServices(context: YagnaContext): YagnaServices {
  const platforms = new Platforms(context.init.platforms, context.drivers);
  const demands = new DemandBook(context, platforms);
  const negotiations = new Negotiations(context, demands, platforms);
  const gsb = new GsbServices(context);
  const files = new Files(context, gsb);
  return {
    context,
    me: context.address.toLowerCase(),
    platforms,
    demands,
    offers: new OfferAdapter(context, platforms),
    negotiations,
    gsb,
    files,
    recorder: new EventRecorder(context, (event) => freeSlots(demands, event)),
    agreements: new AgreementAdapter(context, demands, negotiations),
    scans: new Scans(context, platforms),
    packages: new Packages(context, files),
    batches: new BatchRunner(context, files),
  };
}

/** Where an agreement has ended, its provider may have room again. */
function freeSlots(demands: DemandBook, { type, data }: StoredEvent): void {
  if (type !== 'agreement.terminated' || typeof data !== 'object' || data === null || !('address' in data))
    return;
  if (typeof data.address === 'string') demands.freed(data.address);
}
