import type {
  ActivityRecord,
  Agreement,
  ActivityLimits,
  AgreementRecord,
  AgreementRequest,
  Allocation,
  Batch,
  CommandResult,
  ExeScript,
  LogStream,
  Reason,
  Store,
  TaskSpec,
} from '../../../src/interface/index.ts';
import { ErgonError } from '../../../src/interface/index.ts';
import { memoryStore } from '../../../src/store/index.ts';
import { tasks, type TasksInit } from '../../../src/task/index.ts';
import { delay } from '../../../src/util/delay.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';

export const HASH = `sha256:${'a'.repeat(64)}`;
export const OUTPUT = `sha256:${'b'.repeat(64)}`;

export const spec = (over: Partial<TaskSpec> = {}): TaskSpec => ({
  package: HASH,
  runtime: 'wasi',
  entryPoint: 'main',
  args: [],
  env: {},
  inputs: [{ blob: HASH, path: '/in' }],
  outputs: ['/out'],
  limits: { cpuThreads: 1, memoryBytes: 1 << 26, storageBytes: 1 << 20, wallTimeMs: 60_000 },
  platform: 'ledger',
  budget: '1000000',
  constraints: '',
  maxAttempts: 3,
  ...over,
});

const INIT: TasksInit = {
  agreementSlackMs: 60_000,
  searchTimeoutMs: 20_000,
  closeTimeoutMs: 10_000,
  retryDelayMs: 100,
};

/** How the provider behaves in an attempt. */
export interface Behaviour {
  refuse?: string;
  runExit?: number;
  activityEnds?: Reason;
  /** The batch stays unfinished until the test lets it. */
  hold?: boolean;
}

/** The market, one provider after another, and the money, as the tasks see them; it outlives any tasks service. */
export class World {
  readonly clock = new FakeClock();
  readonly store: Store = memoryStore({ clock: this.clock });
  readonly requests: AgreementRequest[] = [];
  readonly agreements = new Map<string, AgreementRecord>();
  readonly activities = new Map<string, { record: ActivityRecord; batch?: Batch }>();
  readonly allocations = new Map<string, Allocation>();
  readonly fetched: string[] = [];
  readonly created: string[] = [];
  /** Of the activity that was created last. */
  limits: ActivityLimits | undefined;
  pricedCounters: readonly string[] = ['golem.usage.cpu_sec'];
  readonly execs: string[] = [];
  behaviours: Behaviour[] = [{}];
  refusalsLeft = Infinity;
  isPackageHere = true;
  /** How much of a program's stdout has come from the provider. */
  outputHere = 5;
  /** Called before each outside effect; may throw to simulate a crash. */
  beforeEffect: (name: string) => void = () => undefined;
  #ids = 0;

  behaviour(): Behaviour {
    return this.behaviours[Math.min(this.agreements.size, this.behaviours.length) - 1] ?? {};
  }

  service() {
    return tasks(INIT, {
      store: this.store,
      clock: this.clock,
      logger: silentLogger,
      newId: () => `id-${String((this.#ids += 1)).padStart(4, '0')}`,
      blobs: {
        whileHeld: (hashes, work) =>
          work(
            hashes.map((hash) => (this.isPackageHere && hash === HASH ? { hash, sizeBytes: 10 } : undefined)),
          ),
      },
      fetcher: {
        fetch: async (_peer, hash) => {
          this.beforeEffect('fetch');
          this.fetched.push(hash);
          return { hash, sizeBytes: 3 };
        },
      },
      agreements: this.#agreementService(),
      activities: this.#activityService(),
      allocations: this.#allocationService(),
    });
  }

  #agreementService() {
    return {
      get: async (id: string) => this.agreements.get(id),
      request: async (request: AgreementRequest) => {
        this.beforeEffect('request');
        const known = this.agreements.get(request.agreementId);
        if (known !== undefined) return known;
        const { refuse } = this.behaviours[Math.min(this.agreements.size, this.behaviours.length - 1)] ?? {};
        if (refuse !== undefined && this.refusalsLeft > 0) {
          this.refusalsLeft -= 1;
          throw new ErgonError(refuse, 'nobody agrees');
        }
        this.requests.push(request);
        const agreement = {
          agreementId: request.agreementId,
          provider: `0x${String(this.agreements.size + 1).padStart(40, '0')}`,
          offer: { peerId: 'peer', multiaddrs: [] },
          terms: { pricing: { counters: this.pricedCounters } },
        } as unknown as Agreement;
        const record = { agreement, role: 'requestor', state: 'Approved', approvedAt: 1 } as AgreementRecord;
        this.agreements.set(request.agreementId, record);
        return record;
      },
      terminate: async (id: string, reason: Reason) => {
        this.beforeEffect('terminate');
        const record = this.agreements.get(id);
        if (record === undefined) throw new Error('unknown agreement');
        const ended = { ...record, state: 'Terminated' as const, reason };
        this.agreements.set(id, ended);
        return ended;
      },
    };
  }

  #activityService() {
    return {
      get: async (id: string) => this.activities.get(id)?.record,
      create: async ({
        activityId,
        agreementId,
        limits,
      }: {
        activityId: string;
        agreementId: string;
        limits: ActivityLimits;
      }) => {
        this.beforeEffect('create');
        this.limits = limits;
        if (!this.activities.has(activityId)) this.created.push(activityId);
        const record = { activityId, agreementId, state: 'New' } as ActivityRecord;
        if (!this.activities.has(activityId)) this.activities.set(activityId, { record });
        return record;
      },
      exec: async (activityId: string, batchId: string, script: ExeScript) => {
        this.beforeEffect('exec');
        const entry = this.activities.get(activityId);
        if (entry === undefined) throw new Error('unknown activity');
        entry.batch ??= this.#run(entry.record, batchId, script);
        if (!this.execs.includes(batchId)) this.execs.push(batchId);
        return entry.batch;
      },
      batch: async (activityId: string) => this.activities.get(activityId)?.batch,
      waitBatch: async (activityId: string, _batchId: string, signal: AbortSignal) => {
        this.beforeEffect('wait');
        const batch = this.activities.get(activityId)?.batch;
        if (this.behaviour().hold !== true && batch !== undefined) return batch;
        return new Promise<Batch>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      },
      readLog: () => Promise.reject(new Error('a task reads no log')),
      waitLog: async (_activityId: string, stream: LogStream, end: number, signal: AbortSignal) => {
        while (stream === 'stdout' && this.outputHere < end) await delay(this.clock, 100, signal);
      },
      destroy: async (activityId: string) => {
        this.beforeEffect('destroy');
        const entry = this.activities.get(activityId);
        if (entry !== undefined && entry.record.state !== 'Terminated') entry.record.state = 'Completed';
      },
    };
  }

  #run(record: ActivityRecord, batchId: string, script: ExeScript): Batch {
    const { runExit = 0, activityEnds } = this.behaviour();
    const results: CommandResult[] = [];
    for (const [index, command] of script.entries()) {
      const base = { index, result: 'Ok' as const, startedAt: 1, finishedAt: 2 };
      if ('run' in command && activityEnds !== undefined) {
        Object.assign(record, { state: 'Terminated', reason: activityEnds });
        results.push({ ...base, result: 'Error', reason: activityEnds });
        break;
      }
      if ('run' in command && runExit !== 0) {
        results.push({ ...base, result: 'Error', exitCode: runExit });
        break;
      }
      const output = 'transfer' in command && command.transfer.to === 'blob:';
      results.push({
        ...base,
        ...('run' in command
          ? { exitCode: 0, stdout: { start: 0, end: 5 }, stderr: { start: 0, end: 0 } }
          : {}),
        ...(output ? { blob: { hash: OUTPUT, sizeBytes: 3 } } : {}),
      });
    }
    return { batchId, activityId: record.activityId, script, results, finished: true, createdAt: 1 };
  }

  #allocationService() {
    return {
      create: async ({
        allocationId,
        platform,
        total,
      }: {
        allocationId: string;
        platform: string;
        total: string;
      }) => {
        this.beforeEffect('allocate');
        const known = this.allocations.get(allocationId);
        if (known !== undefined) return known;
        const fresh = {
          allocationId,
          platform,
          total,
          spent: '0',
          remaining: total,
          released: false,
          createdAt: 1,
        };
        this.allocations.set(allocationId, fresh);
        return fresh;
      },
      get: async (id: string) => this.allocations.get(id),
      assign: async () => undefined,
      resize: async () => {
        throw new Error('no task changes its budget');
      },
      release: async (id: string) => {
        const known = this.allocations.get(id);
        if (known !== undefined) this.allocations.set(id, { ...known, released: true });
      },
    };
  }

  async settleInvoice(agreementId: string): Promise<void> {
    await this.store.transact(async (tx) => {
      tx.emit({ type: 'invoice.settled', subject: 'invoice', data: { agreementId } });
    });
  }
}
