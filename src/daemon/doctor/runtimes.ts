import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/index.ts';
import { runtimeRegistry, type RuntimeRegistry } from '../../exe-unit/index.ts';
import type { Properties, RuntimeSupports } from '../../interface/index.ts';
import { systemClock } from '../../util/clock.ts';
import { errorMessage } from '../../util/error-message.ts';
import { silentLogger } from '../../util/silent-logger.ts';
import { countersOf, presetNotes } from '../preset-notes.ts';
import { fail, ok, warn, type Check } from './check.ts';

/** A runtime as this machine can run it. */
export interface RuntimeView {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly available: boolean;
  /** Why not, or what is weaker than it could be, and what would mend it. */
  readonly notes: readonly string[];
  /** Absent for one that cannot be loaded. */
  readonly supports?: RuntimeSupports;
  readonly properties: Properties;
  /** Counters that presets for it may put a price on. */
  readonly counters: readonly string[];
  /** Capabilities that it has on this machine beside those of its descriptor. */
  readonly capabilities?: readonly string[];
  readonly diskHeldBy?: string;
}

/** How a runtime's self-test ended. */
export interface RuntimeTest {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'unavailable';
  readonly message?: string;
}

type Options = Pick<Config, 'runtimes'>;

const registry = ({ runtimes: options }: Options): Promise<RuntimeRegistry> =>
  runtimeRegistry({ options }, { clock: systemClock(), logger: silentLogger });

/** All runtimes that this node has. */
export async function listRuntimes(config: Options): Promise<RuntimeView[]> {
  const found = await registry(config);
  return Promise.all(found.descriptors.map(({ name }) => viewOf(found, name)));
}

/**
 * Runs the self-test of one runtime, or of each, through its whole path.
 * @throws ExeUnitError ERR_EXE_UNIT_RUNTIME_UNKNOWN
 */
export async function testRuntimes(config: Options, name?: string): Promise<RuntimeTest[]> {
  const found = await registry(config);
  if (name !== undefined) await found.load(name);
  const names = name === undefined ? found.descriptors.map((descriptor) => descriptor.name) : [name];
  const tests: RuntimeTest[] = [];
  // One after the other: they would take each other's CPU.
  for (const one of names) tests.push(await testOne(found, one));
  return tests;
}

async function viewOf(found: RuntimeRegistry, name: string): Promise<RuntimeView> {
  const descriptor = found.descriptors.find((one) => one.name === name);
  const { version = '', description = '', counters = {} } = descriptor ?? {};
  const about = { name, version, description, counters: countersOf({ counters }) };
  try {
    const runtime = await found.load(name);
    return { ...about, supports: runtime.supports, ...(await runtime.fingerprint()) };
  } catch (error) {
    return { ...about, available: false, notes: [errorMessage(error)], properties: {} };
  }
}

async function testOne(found: RuntimeRegistry, name: string): Promise<RuntimeTest> {
  const { available, notes } = await viewOf(found, name);
  if (!available) return { name, outcome: 'unavailable', message: notes.join('; ') };
  const directory = await mkdtemp(join(tmpdir(), 'ergon-self-test-'));
  try {
    const workDir = join(directory, 'work');
    await mkdir(workDir);
    await (await found.load(name)).selfTest(workDir);
    return { name, outcome: 'passed' };
  } catch (error) {
    return { name, outcome: 'failed', message: errorMessage(error) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const LIMITS = {
  memoryLimit: 'memory',
  diskLimit: 'storage',
  cpuShare: 'its share of the CPU',
  cpuTimeLimit: 'CPU time',
} as const satisfies Partial<Record<keyof RuntimeSupports, string>>;

/** What this machine can enforce with each runtime; only one that is to be sold can fail. */
export function runtimeChecks(runtimes: readonly RuntimeView[], { provider }: Config): Check[] {
  const sold = provider.enabled ? provider.runtimes : [];
  // Docker is among them by default, also where there is none: what fails is a node that has nothing to sell.
  const sellsNone = !runtimes.some(({ name, available }) => available && sold.includes(name));
  const missing = sold
    .filter((name) => runtimes.every((runtime) => runtime.name !== name))
    .map((name) =>
      fail(
        `runtime ${name}`,
        'there is no such runtime',
        'Correct `provider.runtimes`; see `ergon runtime list`.',
      ),
    );
  return [
    ...missing,
    ...runtimes.flatMap((runtime) => checksOf(runtime, sold.includes(runtime.name), sellsNone)),
  ];
}

function checksOf(runtime: RuntimeView, isSold: boolean, sellsNone: boolean): Check[] {
  const { name, available, notes, supports } = runtime;
  const title = `runtime ${name}`;
  if (!available) {
    const message = `cannot run here: ${notes.join('; ')}`;
    if (!isSold) return [ok(title, `${message}; it is not sold`)];
    const remedy = 'Mend what the message names, or take it out of `provider.runtimes`.';
    return [sellsNone ? fail(title, message, remedy) : warn(title, `${message} (it is not offered)`, remedy)];
  }
  const entries = Object.entries(LIMITS) as [keyof typeof LIMITS, string][];
  const enforced = entries.filter(([limit]) => supports?.[limit] === true).map(([, word]) => word);
  const unenforced = entries.filter(([limit]) => supports?.[limit] !== true).map(([, word]) => word);
  const found = [
    `limits ${enforced.length === 0 ? 'nothing' : enforced.join(', ')}`,
    unenforced.length === 0 ? '' : `cannot limit ${unenforced.join(', ')}`,
    runtime.diskHeldBy === undefined ? '' : `storage is held by ${runtime.diskHeldBy}`,
    supports?.suspend === true ? 'can be suspended' : 'cannot be suspended',
    runtime.capabilities?.includes('vpn') === true ? 'can be in networks with other activities (vpn)' : '',
  ].filter((part) => part !== '');
  if (!isSold) return [ok(title, [...found, 'it is not sold'].join('; '))];
  // A note says itself what would mend it.
  return [ok(title, found.join('; ')), ...notes.map((note) => warn(title, note))];
}

/** What of the presets is not, or not wholly, to be sold here; that of a runtime that cannot run has its own check. */
export function presetChecks(runtimes: readonly RuntimeView[], config: Config): Check[] {
  if (!config.provider.enabled) return [];
  const able = runtimes.filter(({ available }) => available).map(({ name }) => name);
  const presets = config.provider.presets.filter(({ runtime }) => able.includes(runtime));
  const notes = presetNotes({ provider: { ...config.provider, presets } }, runtimes);
  return notes.map(({ preset, note }) => warn(`preset ${preset}`, note));
}
