import type { LocalNode } from '../../scripts/local-node.ts';
import type {
  ActivityRecord,
  AgreementRecord,
  Batch,
  CommandResult,
  ExeScript,
  LogSlice,
  LogStream,
} from '../../src/interface/index.ts';
import type { MarketPair } from './market-pair.ts';

export type SoldRuntime = 'wasi' | 'docker';

/** What a provider's configuration needs to sell both runtimes. */
export const SELLS_BOTH = { runtimes: ['wasi', 'docker'] };

export interface RentRequest {
  readonly runtime: SoldRuntime;
  readonly packageBytes: Uint8Array;
  readonly memoryBytes?: number;
  readonly storageBytes?: number;
  readonly limits?: Readonly<Record<string, number>>;
}

/** An activity of its own agreement, deployed and started, that takes one script after another. */
export class Rented {
  readonly #requestor: LocalNode;
  readonly agreementId: string;
  readonly activityId: string;

  private constructor(requestor: LocalNode, agreementId: string, activityId: string) {
    this.#requestor = requestor;
    this.agreementId = agreementId;
    this.activityId = activityId;
  }

  static async start({ requestor }: MarketPair, request: RentRequest): Promise<Rented> {
    const { hash } = await requestor.upload('packages', request.packageBytes);
    const { agreement } = await requestor.call<AgreementRecord>('POST', '/v1/agreements', {
      budget: '0.1',
      constraints: `(golem.runtime.name=${request.runtime})`,
      properties: {
        'ergon.srv.resources.memory.bytes': request.memoryBytes ?? 64 << 20,
        'ergon.srv.resources.storage.bytes': request.storageBytes ?? 16 << 20,
      },
    });
    const { activityId } = await requestor.call<ActivityRecord>('POST', '/v1/activities', {
      agreementId: agreement.agreementId,
      package: hash,
      limits: request.limits ?? {},
    });
    const rented = new Rented(requestor, agreement.agreementId, activityId);
    for (const { result, message } of await rented.exec([{ deploy: {} }, { start: {} }])) {
      if (result !== 'Ok') throw new Error(`${request.runtime} does not start: ${message}`);
    }
    return rented;
  }

  get path(): string {
    return `/v1/activities/${this.activityId}`;
  }

  async begin(script: ExeScript): Promise<string> {
    return (await this.#requestor.call<Batch>('POST', `${this.path}/exec`, { script })).batchId;
  }

  async finished(batchId: string): Promise<readonly CommandResult[]> {
    return this.#requestor.until(`batch ${batchId}`, async () => {
      const batch = await this.#requestor.call<Batch>('GET', `${this.path}/batches/${batchId}?waitMs=20000`);
      return batch.finished ? batch.results : undefined;
    });
  }

  async exec(script: ExeScript): Promise<readonly CommandResult[]> {
    return this.finished(await this.begin(script));
  }

  /** As the node's books have it; `node` is the requestor's unless given. */
  record(node: LocalNode = this.#requestor): Promise<ActivityRecord> {
    return node.call<ActivityRecord>('GET', this.path);
  }

  /** What the requestor's node has of a log from there on. */
  async readLog(stream: LogStream, offset: number): Promise<LogSlice> {
    const response = await this.#requestor.raw('GET', `${this.path}/logs?stream=${stream}&offset=${offset}`);
    const bytes = response.ok ? new Uint8Array(await response.arrayBuffer()) : new Uint8Array();
    return { bytes, offset, end: offset + bytes.length, final: false };
  }

  async end(): Promise<void> {
    await this.#requestor.call('POST', `/v1/agreements/${this.agreementId}/terminate`, {
      reason: { code: 'Done', message: 'the test is over' },
    });
  }
}
