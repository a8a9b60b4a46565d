import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from '../../scripts/local-node.ts';
import { groupsOf, linkOf, parentOf, processIds, textOf } from '../hostile/watch.ts';

const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/**
 * Process 1: it adopts and buries orphans, as every machine's does, and ends with us: our end of its stdin goes then.
 * The kernel lets sandboxes have a /proc of their own only where there is one with nothing mounted over it.
 */
const INIT = `
mount -t tmpfs -o mode=755 run /run
mkdir /run/proc
mount -t proc proc /run/proc
mount --bind "$1" ${BOOT_ID}
echo up
trap '' TERM INT HUP
exec 3<&0
cat <&3 >/dev/null & wait
`;

/**
 * A machine within this one, whose power can fail: processes, mounts, /run and the boot's id are its own and go with
 * it, all at once. The disk and the network are this machine's.
 */
export class Machine implements Place {
  readonly #bootIdFile: string;
  #outside: ChildProcess | undefined;
  #init = 0;

  /** Only root can make one. */
  static get isPossible(): boolean {
    return process.getuid?.() === 0;
  }

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    this.#bootIdFile = join(directory, 'boot-id');
  }

  async boot(): Promise<void> {
    writeFileSync(this.#bootIdFile, `${randomUUID()}\n`);
    const own = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
    const outside = spawn('unshare', [...own, 'sh', '-euc', INIT, 'init', this.#bootIdFile], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const [said] = (await Promise.race([once(outside.stdout, 'data'), once(outside, 'exit')])) as unknown[];
    if (String(said) !== 'up\n') throw new Error('the machine does not come up');
    this.#outside = outside;
    this.#init = this.pidOf(outside.pid ?? 0);
  }

  command(line: readonly string[]): readonly string[] {
    if (this.#init === 0) throw new Error('the machine has no power');
    return ['nsenter', '--target', String(this.#init), '--mount', '--pid', '--', ...line];
  }

  /** Whoever enters has a child in there, and waits for it. */
  pidOf(child: number): number {
    const pid = Number(readFileSync(`/proc/${child}/task/${child}/children`, 'latin1').trim().split(' ')[0]);
    if (!(pid > 0)) throw new Error(`process ${child} has started nothing in the machine`);
    return pid;
  }

  /** Our number of a process that is known by this number in there. */
  pidHere(pid: number): number | undefined {
    if (this.#init === 0) return undefined;
    return processIds().find((here) => numbersOf(here)[1] === String(pid) && this.#runs(here));
  }

  /** It is of the machine's namespace, or below one that is: sandboxes and containers have their own. */
  #runs(pid: number): boolean {
    const isOurs = namespaceOf(pid) === namespaceOf(this.#init);
    return isOurs || (pid > 1 && this.#runs(parentOf(pid)));
  }

  /** A file of it, seen from here. */
  path(inside: string): string {
    return `/proc/${this.#init}/root${inside}`;
  }

  get mountInfo(): string {
    return `/proc/${this.#init}/mountinfo`;
  }

  /** The kernel kills all that it runs with its process 1. `groups`: what names of its control groups have in them. */
  async powerOff(groups: readonly string[]): Promise<void> {
    const outside = this.#outside;
    if (outside === undefined || outside.exitCode !== null || outside.signalCode !== null) return;
    const off = once(outside, 'exit');
    process.kill(this.#init, 'SIGKILL');
    this.#init = 0;
    const found = groupsOf(groups);
    for (const group of found) thaw(group);
    await off;
    for (const group of found) removeGroup(group);
  }
}

const namespaceOf = (pid: number): string => linkOf(`/proc/${pid}/ns/pid`);

/** Of a process, in each namespace that it is in, ours first. */
function numbersOf(pid: number): string[] {
  return (
    /^NSpid:\t(.*)$/m
      .exec(textOf(`/proc/${pid}/status`))?.[1]
      ?.trim()
      .split('\t') ?? []
  );
}

/** In version 1 of the control groups, what is frozen does not even die. */
function thaw(group: string): void {
  try {
    writeFileSync(join(group, 'freezer.state'), 'THAWED');
  } catch {
    // Of another controller, or gone by itself just now.
  }
}

/** A control group lies in the memory, and is gone with all below it when the power fails. */
function removeGroup(group: string): void {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) {
      if (entry.isDirectory()) removeGroup(join(group, entry.name));
    }
    rmdirSync(group);
  } catch (error) {
    // Gone by itself just now; whatever else is left of it the sweep finds.
    if (existsSync(group)) throw error;
  }
}
