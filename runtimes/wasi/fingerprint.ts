import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Fingerprint } from '../../src/interface/exe-unit-runtime.ts';
import { errorMessage } from '../../src/util/error-message.ts';
import type { CgroupTree } from './limits/cgroup.ts';
import type { SandboxLadder } from './sandbox/ladder.ts';
import type { RunnerProcess } from './sandbox/runner-process.ts';

/** What confines and limits a guest on this machine: found by starting a runner, not by reading about the machine. */
export async function fingerprintOf(
  ladder: SandboxLadder,
  cgroups: CgroupTree | undefined,
): Promise<Fingerprint> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'ergon-wasi-'));
  try {
    const runner = await ladder.launch({ moduleDir: directory, directories: [] }, 'pipe');
    runner.kill();
    await runner.exited;
    return {
      available: true,
      notes: [...sandboxNotes(ladder, runner), ...cgroupNotes(cgroups)],
      diskHeldBy: 'the host’s calls, byte for byte',
      properties: {
        'ergon.runtime.sandbox': runner.sandbox.name,
        'ergon.runtime.sandbox.seccomp': runner.confinement?.seccomp ?? false,
        'ergon.runtime.cgroup': cgroups === undefined ? 'none' : `v${cgroups.version}`,
        'ergon.runtime.cgroup.controllers': [...(cgroups?.controllers ?? [])].sort(),
      },
    };
  } catch (error) {
    const notes = [...ladder.failures.values(), errorMessage(error)];
    return { available: false, notes: [...new Set(notes)], properties: {} };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function sandboxNotes(ladder: SandboxLadder, { sandbox }: RunnerProcess): string[] {
  const notes = [...ladder.failures.values()];
  if (sandbox.weakness !== undefined) notes.push(`${sandbox.name}: ${sandbox.weakness}`);
  if (process.getuid?.() === 0) {
    notes.push(
      'the daemon runs as root, so a sandbox’s user is root outside of it, without capabilities: run it as a user of its own',
    );
  }
  return notes;
}

function cgroupNotes(cgroups: CgroupTree | undefined): string[] {
  if (cgroups === undefined) {
    return [
      'no control groups: memory is limited by WebAssembly alone and metered from /proc; give the daemon a delegated control group (systemd: Delegate=yes)',
    ];
  }
  const missing = (['cpu', 'pids', 'freezer', 'cpuacct'] as const).filter(
    (name) => !cgroups.controllers.has(name),
  );
  return missing.length === 0 ? [] : [`control groups without ${missing.join(', ')}`];
}
