import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalNode } from '../../scripts/local-node.ts';
import type {
  ActivityRecord,
  AgreementRecord,
  Batch,
  ExeScript,
  JournalRecord,
  TaskPackage,
} from '../../src/interface/index.ts';
import { canonicalJson } from '../../src/util/canonical-json.ts';
import { sha256 } from '../../src/util/sha256.ts';
import type { Kit } from './kit.ts';
import type { RecoveryWorld } from './world.ts';

/** A step of an activity's life, in which it stays until it is told to go on. */
export const STEPS = ['New', 'Deploying', 'Ready', 'Transfer', 'Suspended', 'Running'] as const;
export type Step = (typeof STEPS)[number];

/** One activity of its own agreement, brought to a step by hand and, after whatever has happened, to its end. */
export class Held {
  readonly step: Step;
  readonly provider: LocalNode;
  readonly agreementId: string;
  readonly activityId: string;
  /** What of its output the requestor had before anything was killed. */
  acknowledged = '';
  readonly #world: RecoveryWorld;
  #batchId: string | undefined;

  private constructor(
    world: RecoveryWorld,
    step: Step,
    provider: LocalNode,
    ids: { agreementId: string; activityId: string },
  ) {
    this.#world = world;
    this.step = step;
    this.provider = provider;
    this.agreementId = ids.agreementId;
    this.activityId = ids.activityId;
  }

  /** Only agreed and created. */
  static async create(world: RecoveryWorld, step: Step): Promise<Held> {
    const { node, name } = world.providerAt(STEPS.indexOf(step));
    const agreementId = await agree(world, name);
    const taskPackage = step === 'Deploying' ? world.stalledPackage(agreementId) : world.kit.packageHash;
    const activityId = await create(world, agreementId, taskPackage);
    return new Held(world, step, node, { agreementId, activityId });
  }

  /** One that was made otherwise. */
  static of(
    world: RecoveryWorld,
    step: Step,
    provider: LocalNode,
    ids: { agreementId: string; activityId: string },
  ): Held {
    return new Held(world, step, provider, ids);
  }

  async reach(): Promise<this> {
    const { kit } = this.#world;
    switch (this.step) {
      case 'New':
        await this.journal((record) => record.type === 'created');
        break;
      case 'Deploying':
        await this.#begin([...DEPLOY, ...work(kit)]);
        await this.#world.asked(this.agreementId);
        break;
      case 'Ready':
        await this.#begin(DEPLOY);
        await this.#persist(() => this.#batchFinished());
        break;
      case 'Transfer': {
        const from = this.#world.stalledFile(this.agreementId);
        await this.#begin([...DEPLOY, { transfer: { from, to: kit.input } }, ...work(kit)]);
        await this.#world.asked(this.agreementId);
        break;
      }
      case 'Suspended':
        await this.#begin([...DEPLOY, ...work(kit)]);
        await this.logged('tick 1');
        await this.call('POST', 'suspend', {});
        break;
      case 'Running':
        await this.#begin([...DEPLOY, ...work(kit)]);
        await this.logged('tick 3');
    }
    this.acknowledged = await this.log();
    return this;
  }

  /** Lets it go on, as a requestor would that knows nothing of what has happened, and ends everything. */
  async finish(): Promise<void> {
    this.#world.release(this.agreementId);
    if (this.step === 'Suspended') await this.#persist(() => this.call('POST', 'resume', {}));
    if (this.step === 'New') await this.#persist(() => this.#begin([...DEPLOY, ...work(this.#world.kit)]));
    if (this.step === 'Ready') await this.#persist(() => this.#begin(work(this.#world.kit)));
    await this.#persist(() => this.#batchFinished());
    await this.end();
  }

  async end(): Promise<void> {
    await this.#persist(() => this.call('POST', 'terminate', {}));
    await this.#world.until('the activity has ended for the requestor', () => this.#ended());
    await this.#world.until('the agreement has ended', () =>
      this.#world.requestor
        .call('POST', `/v1/agreements/${this.agreementId}/terminate`, {
          reason: { code: 'Done', message: 'over' },
        })
        .catch(() => undefined),
    );
  }

  /** The batches, as the requestor has them, in their order. */
  async batches(): Promise<readonly Batch[]> {
    const { requestor } = this.#world;
    const ids = [
      ...new Set(this.records().flatMap((record) => (record.type === 'batch' ? [record.batchId] : []))),
    ];
    return Promise.all(
      ids.map((id) => requestor.call<Batch>('GET', `/v1/activities/${this.activityId}/batches/${id}`)),
    );
  }

  call<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.#world.requestor.call<T>(method, `/v1/activities/${this.activityId}/${path}`, body);
  }

  /** What a node has of it by now. */
  async log(node: LocalNode = this.#world.requestor, query = ''): Promise<string> {
    const path = `/v1/activities/${this.activityId}/logs?stream=stdout${query}`;
    const response = await node.raw('GET', path, undefined, { accept: 'application/octet-stream' });
    return response.ok ? response.text() : '';
  }

  /** Once the activity has ended: the requestor's copy, when nothing of it is on its way any more. */
  wholeLog(): Promise<string> {
    return this.log(this.#world.requestor, '&follow=true');
  }

  async logged(text: string): Promise<void> {
    await this.#world.until(`${this.step}: ${text}`, async () =>
      (await this.log()).includes(text) ? true : undefined,
    );
  }

  get directory(): string {
    return join(this.provider.dataDir, 'activities', this.activityId);
  }

  /** The journal, as far as it goes. */
  records(): JournalRecord[] {
    let text = '';
    try {
      text = readFileSync(join(this.directory, 'journal.ndjson'), 'utf8');
    } catch {
      return [];
    }
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as JournalRecord);
  }

  /** Waits for a record. Without a pause: what is to be killed at a moment is killed at it. */
  async journal(matches: (record: JournalRecord) => boolean): Promise<void> {
    const end = Date.now() + 60_000;
    while (!this.records().some(matches)) {
      if (Date.now() > end) throw new Error(`${this.step}: no such record in the journal`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** For the requestor, which is told of it a moment after it is. */
  async #batchFinished(): Promise<void> {
    const batch = await this.call<Batch>('GET', `batches/${this.#batchId ?? ''}?waitMs=10000`);
    if (!batch.finished) throw new Error('not finished');
  }

  /** Under the same id when it is asked again, as whoever has had no answer does. */
  async #begin(script: ExeScript): Promise<void> {
    this.#batchId = sha256(canonicalJson(script)).toString('hex');
    await this.call<Batch>('POST', 'exec', { batchId: this.#batchId, script });
  }

  /** Until it is done or there is nothing left to do it to. */
  async #persist(work: () => Promise<unknown>): Promise<void> {
    await this.#world.until(`${this.step} goes on`, async () => {
      try {
        await work();
        return true;
      } catch {
        return this.#ended();
      }
    });
  }

  async #ended(): Promise<true | undefined> {
    const { requestor } = this.#world;
    const record = await requestor
      .call<ActivityRecord>('GET', `/v1/activities/${this.activityId}`)
      .catch(() => undefined);
    return record?.state === 'Completed' || record?.state === 'Terminated' ? true : undefined;
  }
}

const DEPLOY: ExeScript = [{ deploy: {} }, { start: {} }];
const work = ({ run, summary }: Kit): ExeScript => [run, { transfer: { from: summary, to: 'blob:' } }];

/** With the provider of this name, as soon as its offer has come. */
export function agree(world: RecoveryWorld, provider: string): Promise<string> {
  const { requestor, kit } = world;
  return world.until(`an agreement with ${provider}`, async () => {
    try {
      const { agreement } = await requestor.call<AgreementRecord>('POST', '/v1/agreements', {
        budget: '0.1',
        constraints: `(&(golem.runtime.name=${kit.runtime})(golem.node.id.name=${provider}))`,
        properties: {
          'ergon.srv.resources.memory.bytes': 64 << 20,
          'ergon.srv.resources.storage.bytes': 8 << 20,
        },
      });
      return agreement.agreementId;
    } catch (error) {
      if (String(error).includes('ERR_MARKET_NO_OFFER')) return undefined;
      throw error;
    }
  });
}

export async function create(
  { requestor }: RecoveryWorld,
  agreementId: string,
  taskPackage: string | TaskPackage,
): Promise<string> {
  const record = await requestor.call<ActivityRecord>('POST', '/v1/activities', {
    agreementId,
    package: taskPackage,
  });
  return record.activityId;
}
