import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgreementRecord, DebitNoteRecord } from '../../src/interface/index.ts';
import { assertNoTraces, containersOf, soon } from '../hostile/clean.ts';
import { hostileImage } from '../hostile/image.ts';
import { Neighbour, p99, TICK_MS } from '../hostile/neighbour.ts';
import {
  MEMORY_BYTES,
  OUTPUT_BYTES,
  STORAGE_BYTES,
  type HostileProgram,
  type HostileRuntime,
} from '../hostile/program.ts';
import { programs } from '../hostile/programs.ts';
import { PIDS_LIMIT } from '../hostile/world.ts';
import { describeDocker } from '../support/docker-engine.ts';
import { MarketPair, type Page } from './market-pair.ts';
import { Rented, SELLS_BOTH } from './rented.ts';

/** Of the hostile suite, which runs all of them under supervisors: one of each kind, through two daemons. */
const CHOSEN = [
  ...['allocates without end', 'fills the disk', 'makes files without end', 'floods both', 'spins'],
  ...['forks without end', 'ignores all signals', 'leaves daemons behind'],
  ...['looks into /proc, /sys and /dev', 'opens sockets to everywhere', 'mounts, and leaves its root'],
];
const chosen = (runtime: HostileRuntime): HostileProgram[] =>
  programs.filter(({ name, outcomes }) => CHOSEN.includes(name) && outcomes[runtime] !== undefined);

const CALM_TICKS = 60;
const CALM_ANSWERS = 40;
/** How much later than undisturbed a neighbour may tick, and the daemon answer. */
const DELAY_FACTOR = 25;
/** A delay that is shorter means nothing where several processes share a processor. */
const LEAST_MS = TICK_MS;
/** How much the provider's memory may grow over all that comes. */
const GROWTH_FACTOR = 2;

/** The tests ask more often than any client should. */
const api = { rateLimitPerMinute: 1_000_000 };

let pair: MarketPair;
beforeAll(async () => {
  pair = await MarketPair.start({
    provider: {
      provider: {
        ...SELLS_BOTH,
        maxOutputBytes: OUTPUT_BYTES,
        sampleIntervalMs: 200,
        hardware: { cpuThreads: 4 },
      },
      runtimes: { docker: { pidsLimit: PIDS_LIMIT } },
      api,
    },
    requestor: { api },
  });
});
afterAll(() => pair.stop());

const hostileModule = (): Uint8Array =>
  readFileSync(new URL('../fixtures/hostile/hostile.wasm', import.meta.url));

describe('WASI programs that mean harm', () => hostility('wasi', hostileModule));
describeDocker('containers that mean harm', () => hostility('docker', hostileImage));

function hostility(runtime: HostileRuntime, makePackage: () => Uint8Array): void {
  let packageBytes: Uint8Array;
  let neighbour: Neighbour;
  let tenant: Rented;
  let calmTicksMs = Infinity;
  let calmAnswersMs = Infinity;
  let calmBytes = Infinity;

  const rent = (limits: HostileProgram['limits'], resources: HostileProgram['resources'] = {}) =>
    Rented.start(pair, {
      runtime,
      packageBytes,
      memoryBytes: MEMORY_BYTES,
      storageBytes: resources.storageBytes ?? STORAGE_BYTES,
      limits: { ...limits },
    });

  beforeAll(async () => {
    packageBytes = makePackage();
    tenant = await rent({});
    await tenant.begin([{ run: { entry_point: '/hostile', args: ['tick', String(TICK_MS)] } }]);
    neighbour = new Neighbour({ readLog: (_, stream, offset) => tenant.readLog(stream, offset) }, '');
    const fromMs = Date.now();
    await neighbour.until(CALM_TICKS, fromMs);
    calmTicksMs = p99(neighbour.delays(fromMs, Infinity));
    calmAnswersMs = p99(await answerTimes(Promise.resolve()));
    calmBytes = residentBytes();
  });
  afterAll(async () => {
    await tenant.end();
    expect(residentBytes(), 'the memory of the daemon').toBeLessThan(GROWTH_FACTOR * calmBytes);
  });

  it.each(chosen(runtime).map((program) => [program.name, program] as const))(
    'one that %s harms nobody, and leaves nothing but a bill',
    async (_, program) => {
      const startedMs = Date.now();
      const rented = await rent(program.limits, program.resources);
      const containers = runtime === 'docker' ? await containersOf(rented.activityId) : [];
      const harm = rented.exec([{ run: { entry_point: '/hostile', args: [...program.args] } }]);
      const answers = answerTimes(harm);
      const [result] = await harm;
      const outcome = program.outcomes[runtime];
      if (outcome?.kind === 'limit') {
        const { limit, limitValue } = outcome;
        const detail = { limit, limitValue, observed: expect.any(Number) };
        const reason = { code: 'LimitExceeded', detail };
        expect(result).toMatchObject({ result: 'Error', reason });
        for (const node of [pair.provider, pair.requestor]) await expectEnd(rented, node, reason);
      } else {
        expect(result).toMatchObject({ result: 'Ok', exitCode: 0 });
      }
      const { bytes } = await rented.readLog('stdout', 0);
      expect(Buffer.from(bytes).toString('latin1')).not.toContain('ESCAPED');
      await rented.end();

      await neighbour.until(1, startedMs, Date.now());
      expect(p99(neighbour.delays(startedMs, Infinity)), 'the delay of a neighbour').toBeLessThan(
        DELAY_FACTOR * Math.max(LEAST_MS, calmTicksMs),
      );
      expect(p99(await answers), 'the answer of the daemon').toBeLessThan(
        DELAY_FACTOR * Math.max(LEAST_MS, calmAnswersMs),
      );
      await soon(async () => {
        const { state } = await rented.record(pair.provider);
        expect(['Completed', 'Terminated']).toContain(state);
      });
      await assertNoTraces(containers.length === 0 ? [`ergon-wasi-${rented.activityId}`] : containers);
      if (runtime === 'docker') expect(await containersOf(rented.activityId)).toEqual([]);
      await expectBilled(rented);
    },
  );
}

async function expectEnd(rented: Rented, node: MarketPair['provider'], reason: object): Promise<void> {
  const ended = await node.until('its end', async () => {
    const record = await rented.record(node);
    return record.state === 'Terminated' ? record : undefined;
  });
  expect(ended).toMatchObject({ state: 'Terminated', reason });
}

/** One final note, accepted, and an agreement that has ended. */
async function expectBilled({ agreementId }: Rented): Promise<void> {
  await pair.requestor.until('the final note', async () => {
    const path = `/v1/debit-notes?agreement=${agreementId}&limit=500`;
    const { items } = await pair.requestor.call<Page<DebitNoteRecord>>('GET', path);
    const final = items.filter(({ note }) => note.final);
    const state = final[0]?.state;
    return final.length === 1 && (state === 'Accepted' || state === 'Settled') ? final : undefined;
  });
  const { state } = await pair.provider.call<AgreementRecord>('GET', `/v1/agreements/${agreementId}`);
  expect(state).toBe('Terminated');
}

/** How long the provider's daemon takes to answer, asked again and again: so often at least, and until it is over. */
async function answerTimes(work: Promise<unknown>): Promise<number[]> {
  const over = new AbortController();
  work.finally(() => over.abort()).catch(() => undefined);
  const times: number[] = [];
  do {
    const startedMs = performance.now();
    await pair.provider.info();
    times.push(performance.now() - startedMs);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  } while (times.length < CALM_ANSWERS || !over.signal.aborted);
  return times;
}

function residentBytes(): number {
  const text = readFileSync(`/proc/${pair.provider.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(text)?.[1]) * 1024;
}
