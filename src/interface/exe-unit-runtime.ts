import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { Resources } from './market.ts';
import type { Properties } from './values.ts';
import type { DeployNetwork, Hosts } from './vpn.ts';

/** `runtimes/<name>/descriptor.json`: what the runtime is and which counters it measures. */
export interface RuntimeDescriptor {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Module that exports `createRuntime`, relative to the descriptor, without extension. */
  readonly main: string;
  readonly capabilities: readonly string[];
  /** Usage counters by name, beside the ones that every runtime has. */
  readonly counters: Readonly<Record<string, { readonly unit: string; readonly description: string }>>;
  readonly properties: Properties;
}

/** Declared abilities; callers and the compliance suite ask this, never `instanceof`. */
export interface RuntimeSupports {
  readonly signal: boolean;
  readonly suspend: boolean;
  /** A live workload can be taken over by a new supervisor. */
  readonly recover: boolean;
  readonly cpuTimeLimit: boolean;
  readonly memoryLimit: boolean;
  readonly diskLimit: boolean;
  readonly cpuShare: boolean;
  /** Networks between activities, on a machine whose fingerprint has the capability `vpn`. */
  readonly networks: boolean;
}

/** What this machine can enforce for the runtime, and why not the rest. */
export interface Fingerprint {
  readonly available: boolean;
  /** Why it is not available; what is weaker than it could be, and what would mend it. */
  readonly notes: readonly string[];
  /** For the offer, e.g. `ergon.runtime.sandbox`. */
  readonly properties: Properties;
  /** What it can do on this machine beside what its descriptor names. */
  readonly capabilities?: readonly string[];
  /** By what the disk limit holds on this machine, in words. */
  readonly diskHeldBy?: string;
}

/** What a runtime is to prepare for an activity. */
export interface DeploySpec {
  readonly activityId: string;
  /** Absolute. The runtime owns `<workDir>/runtime` and `<workDir>/volumes`. */
  readonly workDir: string;
  /** Absent for a runtime that needs none. Read-only, verified. */
  readonly packagePath?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly resources: Resources;
  /** What the agreement has a price for: a counter that costs something to keep is kept only then. */
  readonly counters?: readonly string[];
  /** Fuel that all commands together may use; the runtime ends the one that wants more. */
  readonly fuelLimit?: number;
  /** For the labels of whatever the runtime makes outside the work directory, so that it can be told whose it is. */
  readonly nodeId?: string;
  readonly agreementId?: string;
  /** Counts from 1. */
  readonly attempt?: number;
  /** The agreement grants a network; absent: none. */
  readonly network?: boolean;
  /**
   * Networks with other activities, checked. For the one at index i the runtime listens, once started, on the unix socket
   * `<workDir>/networks/<i>/sock`, as `ActivityNetworks` describes.
   */
  readonly networks?: readonly DeployNetwork[];
  /** For /etc/hosts. */
  readonly hosts?: Hosts;
  /** Directories of the volume that the guest finds under these paths; whoever deploys makes them where they are none. */
  readonly volumes?: readonly string[];
}

/** A program to run in a deployment. */
export interface RunCommand {
  readonly entryPoint: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** A file to read stdin from; empty stdin without it. */
  readonly stdinPath?: string;
}

/** Called with the bytes as they come; the workload is not read further until the promise resolves. */
export interface RunOutput {
  stdout(chunk: Uint8Array): Promise<void>;
  stderr(chunk: Uint8Array): Promise<void>;
}

/** How a command ended. `limit`: the runtime itself enforced a limit, with the figures. */
export type RunExit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signaled'; readonly signal: string }
  | {
      readonly kind: 'limit';
      /** `files`: names in all directories, or inodes, of which the storage has as many as are allowed. */
      readonly limit: 'memory' | 'disk' | 'files' | 'pids' | 'fuel';
      readonly limitValue: number;
      readonly observed: number;
    }
  | { readonly kind: 'failed'; readonly message: string };

/** A program that has been started. */
export interface RunningCommand {
  /** Resolves once the process has ended *and* both streams are drained. Never rejects. */
  readonly exit: Promise<RunExit>;
  /** Sends a POSIX signal to the whole process tree. */
  signal(signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT'): Promise<void>;
}

/** Cumulative figures of the workload alone, from the kernel where it can say. */
export interface RuntimeStats {
  readonly cpuNs: bigint;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  readonly diskBytes: number;
  /** Names in the volume, or inodes of it, and as many as it may have; absent while that is not known, or not limited. */
  readonly files?: { readonly count: number; readonly limit: number };
  /** Custom counters of the descriptor, in billionths of their unit. */
  readonly counters: Readonly<Record<string, bigint>>;
}

/** Where the guest finds its volume: a transfer means by a path what the guest means by it. */
export interface GuestView {
  /** Absolute; where a relative path begins. */
  readonly workingDirectory: string;
  /** Directories of the volume, by the guest's path and by that from the volume's root. In no other is a transfer. */
  readonly directories: readonly { readonly guestPath: string; readonly volumePath: string }[];
}

/** A deployed activity's runtime state: opaque, serialisable, enough for `recover` in another process. */
export type RuntimeHandle = string;

/** What `reap` may take away. */
export interface ReapScope {
  /** As `DeploySpec.nodeId` has it. */
  readonly nodeId: string;
  /** Absolute: where the work directories of this node lie. */
  readonly activitiesDirectory: string;
  /** What is younger than this is left alone while its activity is unknown. */
  readonly graceMs: number;
  /** Asked of each thing after it was found, so that what has just come is not taken for what is left over. */
  standingOf(activityId: string): Promise<ActivityStanding>;
}

/** By its work directory: `live` while its journal has no end, `unknown` when there is none. */
export type ActivityStanding = 'live' | 'ended' | 'unknown';

/** Names of what was removed. */
export interface Reaped {
  readonly removed: readonly string[];
}

/** A package that this machine has under a name of its own. */
export interface NamedPackage {
  /** Of what the name stands for now, `sha256:<hex>`; the same id is the same content. */
  readonly id: string;
  /** Under which others can get it too, `name@sha256:…`; absent when only this machine is known to have it. */
  readonly reference?: string;
  /** The package's bytes, not the same at each call. */
  open(): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * One kind of sandbox. All calls of one deployment come from its supervisor, one at a time except `signal`, `stats`,
 * `suspend`, `resume` and `destroy`, which may come while `run` is under way.
 * Failures are RuntimeError (src/interface/exe-unit-runtime.ts has no classes; codes in docs/errors.md, ERR_RUNTIME_*).
 */
export interface ExeUnitRuntime {
  readonly descriptor: RuntimeDescriptor;
  readonly supports: RuntimeSupports;
  /** It stands on a service of this machine that comes and goes, and its fingerprint with it. */
  readonly needsService?: true;
  fingerprint(): Promise<Fingerprint>;
  /** Runs a tiny workload through the whole path; throws with what to do when it fails. */
  selfTest(workDir: string): Promise<void>;
  /**
   * Optional: makes ready whatever hides start-up time. Called in a warm supervisor that has no activity yet.
   * The directory is renamed before `deploy`, which names it anew: keep no path into it.
   */
  warm?(workDir: string): Promise<void>;
  /** Checks and prepares the package; creates the sandbox with its limits. Idempotent after a crash. */
  deploy(spec: DeploySpec): Promise<RuntimeHandle>;
  start(handle: RuntimeHandle, args: readonly string[]): Promise<void>;
  run(handle: RuntimeHandle, command: RunCommand, output: RunOutput): Promise<RunningCommand>;
  suspend(handle: RuntimeHandle): Promise<void>;
  resume(handle: RuntimeHandle): Promise<void>;
  stats(handle: RuntimeHandle): Promise<RuntimeStats>;
  /** Host path of the volume, of which the guest sees what `guestView` says. */
  volumeRoot(handle: RuntimeHandle): string;
  guestView(handle: RuntimeHandle): Promise<GuestView>;
  /** Kills whatever still runs. */
  stop(handle: RuntimeHandle): Promise<void>;
  /** Removes all that the runtime made outside the work directory. Idempotent; also after a crash. */
  destroy(handle: RuntimeHandle): Promise<void>;
  /**
   * Optional, for a runtime that makes things before `deploy` has returned: removes what a deployment left that never
   * came to a handle, because it failed or its supervisor died. Idempotent; also where nothing is left.
   */
  discard?(place: Pick<DeploySpec, 'activityId' | 'workDir'>): Promise<void>;
  /** Takes over a deployment of another process; false when nothing of it lives. */
  recover(handle: RuntimeHandle): Promise<boolean>;
  /**
   * Optional: removes what earlier deployments of this node have left outside the work directories. Throws when it
   * cannot find out what there is; nothing is removed on a guess.
   */
  reap?(scope: ReapScope): Promise<Reaped>;
  /** Optional: what a name stands for on this machine, e.g. an image of its engine; nothing when nobody can say now. */
  packageOf?(name: string): Promise<NamedPackage | undefined>;
}

/** What every runtime is given; its own options are the first argument. */
export interface RuntimeComponents {
  /** The checked `descriptor.json` beside the module. */
  readonly descriptor: RuntimeDescriptor;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The one export of a runtime's module that the registry asks for. `init` is the runtime's own section of the
 * configuration, unchecked: the runtime knows its schema. It does no I/O.
 */
export type CreateRuntime = (
  init: Readonly<Record<string, unknown>>,
  components: RuntimeComponents,
) => ExeUnitRuntime;

/** What a runtime's module has to export. */
export interface RuntimeModule {
  readonly createRuntime: CreateRuntime;
}
