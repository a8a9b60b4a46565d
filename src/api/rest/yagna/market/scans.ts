import type { Offer } from '../../../../interface/index.ts';
import { notFound } from '../errors.ts';
import { Notifier, type Wake } from '../hold.ts';
import type { YagnaContext } from '../init.ts';
import type { Platforms } from '../platforms.ts';
import { iso } from '../time.ts';
import { ourConstraints } from './constraints.ts';
import { toReply } from './properties.ts';

const DEFAULT_IDLE_MS = 30_000;
const MAX_SCANS = 256;

interface Scan {
  readonly constraints: string;
  readonly idleMs: number;
  /** Offers that were told already. */
  readonly told: Set<string>;
  usedAt: number;
  readers: number;
}

type Context = Pick<YagnaContext, 'clock' | 'newId' | 'market'>;

/** A client's looks at the market: each offer once for each scan, as it comes. In memory: a scan is quickly begun anew. */
export class Scans {
  readonly #context: Context;
  readonly #platforms: Platforms;
  readonly #scans = new Map<string, Scan>();
  readonly #ended = new Notifier();

  constructor(context: Context, platforms: Platforms) {
    this.#context = context;
    this.#platforms = platforms;
  }

  begin(constraints: string, idleMs = DEFAULT_IDLE_MS): string {
    this.#dropIdle();
    const oldest = this.#scans.keys().next().value;
    if (this.#scans.size >= MAX_SCANS && oldest !== undefined) this.#scans.delete(oldest);
    const scanId = this.#context.newId();
    this.#scans.set(scanId, {
      constraints: ourConstraints(constraints, this.#platforms),
      idleMs,
      told: new Set(),
      usedAt: this.#context.clock.now(),
      readers: 0,
    });
    return scanId;
  }

  /** Offers that were not told before. @throws YagnaError when there is no such scan */
  next(scanId: string, max: number, provider?: string): object[] {
    const scan = this.#get(scanId);
    scan.usedAt = this.#context.clock.now();
    const { offers } = this.#context.market;
    const found: object[] = [];
    for (const { offerId, unmet } of offers.explain({ properties: {}, constraints: scan.constraints })) {
      if (found.length >= max) break;
      // What an offer asks of a demand is not known here.
      const offer = unmet.some(({ of }) => of === 'demand') ? undefined : offers.get(offerId);
      if (offer === undefined || !isNews(scan, offer, provider)) continue;
      scan.told.add(keyOf(offer));
      found.push(this.#view(offer));
    }
    return found;
  }

  end(scanId: string): void {
    this.#get(scanId);
    this.#scans.delete(scanId);
    this.#ended.notify();
  }

  /** Keeps the scan for as long as somebody reads it. */
  read(scanId: string): () => void {
    const scan = this.#get(scanId);
    scan.readers += 1;
    return () => {
      scan.readers -= 1;
      scan.usedAt = this.#context.clock.now();
    };
  }

  get wakes(): readonly Wake[] {
    const notifier = new Notifier();
    const changed: Wake = (signal) => {
      const stop = this.#context.market.offers.onChanged(() => notifier.notify());
      signal.addEventListener('abort', stop, { once: true });
      return notifier.notifications(signal);
    };
    return [changed, this.#ended.notifications];
  }

  #get(scanId: string): Scan {
    const scan = this.#scans.get(scanId);
    if (scan === undefined) throw notFound('scan', scanId);
    return scan;
  }

  #view(offer: Offer): object {
    return {
      properties: toReply(offer.properties, this.#platforms),
      constraints: offer.constraints,
      offerId: offer.offerId,
      providerId: offer.provider.toLowerCase(),
      timestamp: iso(offer.createdAt),
    };
  }

  #dropIdle(): void {
    const now = this.#context.clock.now();
    for (const [scanId, { readers, usedAt, idleMs }] of this.#scans)
      if (readers === 0 && now - usedAt > idleMs) this.#scans.delete(scanId);
  }
}

function isNews({ told }: Scan, offer: Offer, provider: string | undefined): boolean {
  if (told.has(keyOf(offer))) return false;
  return provider === undefined || offer.provider.toLowerCase() === provider.toLowerCase();
}

function keyOf({ offerId, provider }: Offer): string {
  return `${provider}/${offerId}`;
}
