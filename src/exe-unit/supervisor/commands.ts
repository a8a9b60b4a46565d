import type { ExeCommand } from '../../interface/exe-script.ts';
import { isErgonError } from '../../interface/errors.ts';
import type { ExeUnitRuntime } from '../../interface/exe-unit-runtime.ts';
import { FUEL_COUNTER } from '../../interface/usage-counters.ts';
import { makeDirectoryBeneath } from '../../util/safe-tree.ts';
import { writeFileAtomically } from '../files.ts';
import { limitExceeded, reason } from '../reasons.ts';
import { CommandFailure, type CommandFacts } from './command-failure.ts';
import type { DaemonRequests } from './daemon-requests.ts';
import { deployedHandle, unlessAbandoned, type BatchContext } from './context.ts';
import { checkNetworks } from './networks.ts';
import { run } from './run.ts';
import { transfer } from './transfer.ts';

type DeployCommand = Extract<ExeCommand, { deploy: object }>['deploy'];

/** Does one command; throws why it could not. */
export async function execute(
  context: BatchContext,
  command: ExeCommand,
  requests: DaemonRequests,
): Promise<CommandFacts> {
  if ('deploy' in command) return deploy(context, command.deploy, requests);
  if ('start' in command) return start(context, command.start.args ?? []);
  if ('run' in command) return run(context, command.run, (hash) => requests.blob(hash));
  if ('transfer' in command) return transfer(context, command.transfer, requests);
  if ('sign' in command) return context.lifecycle.during('sign', async () => receipt(context));
  // `terminate`: the executor ends the activity once the result is written.
  return {};
}

async function deploy(
  context: BatchContext,
  { env = {}, net = [], hosts, volumes = [] }: DeployCommand,
  requests: DaemonRequests,
): Promise<CommandFacts> {
  const { spec, lifecycle, journal, runtime, paths, ending, deployment, meter } = context;
  return lifecycle.during('deploy', async () => {
    checkNetworks(net, runtime);
    if (spec.deploymentBilled === true) meter.begin();
    const packagePath = spec.package === undefined ? undefined : await requests.blob(spec.package.hash);
    deployment.attempts += 1;
    const { activityId, agreementId, nodeId, resources, network } = spec;
    const deploying = runtime.deploy({
      activityId,
      agreementId,
      ...(nodeId !== undefined && { nodeId }),
      attempt: deployment.attempts,
      workDir: paths.directory,
      env,
      resources,
      ...(network !== undefined && { network }),
      ...(packagePath !== undefined && { packagePath }),
      ...(net.length > 0 && { networks: net }),
      ...(hosts !== undefined && { hosts }),
      ...(volumes.length > 0 && { volumes }),
      ...(spec.counters !== undefined && { counters: spec.counters }),
      ...(spec.limits.fuel !== undefined && { fuelLimit: fuelLimit(spec.limits.fuel, runtime) }),
    });
    const handle = await unlessAbandoned(ending, deploying).catch((error: unknown) => {
      throw asLimit(error);
    });
    for (const volume of volumes) await makeDirectoryBeneath(runtime.volumeRoot(handle), volume);
    if (net.length > 0) await writeFileAtomically(paths.networkList, JSON.stringify(net));
    journal.append({ type: 'handle', handle });
    deployment.handle = handle;
    // On the disk before anything runs: after a power failure it tells what is left to be removed.
    await journal.sync();
    return {};
  });
}

/** What a new volume has no room for is an excess like a program's. */
function asLimit(error: unknown): unknown {
  if (!isErgonError(error, 'ERR_RUNTIME_STORAGE')) return error;
  const { limit, limitValue, observed } = error.detail;
  const kind = limit === 'files' ? 'files' : 'disk';
  return new CommandFailure(limitExceeded(kind, Number(limitValue), Number(observed)));
}

/** A limit that nothing watches over is no limit. */
function fuelLimit(limit: number, { descriptor }: ExeUnitRuntime): number {
  if (FUEL_COUNTER in descriptor.counters) return limit;
  const message = `the runtime ${descriptor.name} has no fuel that could be limited`;
  throw new CommandFailure(reason('ERR_EXE_UNIT_LIMIT_UNSUPPORTED', message));
}

async function start(context: BatchContext, args: readonly string[]): Promise<CommandFacts> {
  const { lifecycle, runtime, meter, watchdog, ending } = context;
  return lifecycle.during('start', async () => {
    const handle = deployedHandle(context);
    await unlessAbandoned(ending, runtime.start(handle, args));
    await meter.start(() => runtime.stats(handle));
    watchdog.watchUsage();
    return {};
  });
}

/** What an execution receipt covers; the daemon, which has the key, signs it. */
function receipt({ journal }: BatchContext): CommandFacts {
  return { message: JSON.stringify({ journalSeq: journal.seq, journalSum: journal.sum }) };
}
