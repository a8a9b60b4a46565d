import { DescriptorTable, type Descriptor } from './descriptors.ts';
import { ExactTimes } from './exact-times.ts';
import { GuestMemory } from './memory.ts';
import { openBeneath } from './paths.ts';
import type { DiskQuota } from './quota.ts';
import { DIRECTORY_RIGHTS, FILE_RIGHTS, STDIN_RIGHTS, STDOUT_RIGHTS } from './rights.ts';
import { systemRandom, type FillRandom } from './random.ts';
import type { GuestTime } from './time.ts';

/** A directory of the host that the guest finds open at its start. */
export interface Preopen {
  readonly hostPath: string;
  /** A directory below it, to which no symbolic link leads; absent: itself. */
  readonly beneath?: string;
  readonly guestPath: string;
  readonly readOnly?: boolean;
}

/** What the calls of one guest share. */
export interface Host {
  readonly memory: GuestMemory;
  readonly descriptors: DescriptorTable;
  readonly quota: DiskQuota;
  readonly time: GuestTime;
  readonly random: FillRandom;
  readonly exactTimes: ExactTimes;
}

/** What the host of one guest is made of. */
export interface HostOptions {
  /** In this order from descriptor 3; the guest reaches nothing else. */
  readonly preopens: readonly Preopen[];
  /** Host descriptors of stdin, stdout and stderr. */
  readonly stdio?: readonly [number, number, number];
  readonly quota: DiskQuota;
  readonly time: GuestTime;
  /** Where the guest's random bytes come from; absent: the system. */
  readonly random?: FillRandom;
}

/** The host of one guest, its preopened directories open. The guest's memory must be attached before any call. */
export function createHost(options: HostOptions): Host {
  const { quota, time, stdio = [0, 1, 2], random = systemRandom } = options;
  const descriptors = new DescriptorTable((descriptor) => {
    if (descriptor.kind === 'file') quota.closed(descriptor.inode);
  });
  (['stdin', 'stdout', 'stderr'] as const).forEach((stream, fd) => {
    const rights = stream === 'stdin' ? STDIN_RIGHTS : STDOUT_RIGHTS;
    descriptors.set(fd, {
      kind: 'stream',
      stream,
      hostFd: stdio[fd] ?? fd,
      rights,
      inheriting: 0n,
      flags: 0,
    });
  });
  for (const preopen of options.preopens) descriptors.add(preopened(preopen));
  return { memory: new GuestMemory(), descriptors, quota, time, random, exactTimes: new ExactTimes() };
}

function preopened({ hostPath, beneath = '', guestPath, readOnly = false }: Preopen): Descriptor {
  return {
    kind: 'directory',
    hostFd: openBeneath(hostPath, beneath),
    preopenName: guestPath,
    readOnly,
    rights: DIRECTORY_RIGHTS,
    inheriting: DIRECTORY_RIGHTS | FILE_RIGHTS,
    flags: 0,
  };
}
