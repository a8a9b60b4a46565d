import { clockCalls, randomCalls } from './clocks.ts';
import { directoryCalls, preopenCalls } from './directories.ts';
import { dataCalls } from './file-data.ts';
import { descriptorCalls, positionCalls, sizeCalls, type Whence } from './file-control.ts';
import { filestatCalls, type FilestatLayout } from './filestat.ts';
import type { Host } from './host.ts';
import { linkCalls, nameCalls } from './links.ts';
import { openCalls } from './open.ts';
import { pollCalls, type SubscriptionLayout } from './poll.ts';
import { processCalls, socketCalls } from './process.ts';
import type { Calls, HostCall, Namespace } from './signatures.ts';

/** Where the two generations of the interface differ in their data. */
interface Abi {
  readonly whences: readonly Whence[];
  readonly filestat: FilestatLayout;
  readonly subscription: SubscriptionLayout;
}

const ABIS: Readonly<Record<Namespace, Abi>> = {
  wasi_snapshot_preview1: {
    whences: ['start', 'current', 'end'],
    filestat: { size: 64, nlink: { at: 24, bytes: 8 }, length: 32, atim: 40, mtim: 48, ctim: 56 },
    subscription: { size: 48, clockId: 16, timeout: 24, clockFlags: 40 },
  },
  wasi_unstable: {
    whences: ['current', 'end', 'start'],
    filestat: { size: 56, nlink: { at: 20, bytes: 4 }, length: 24, atim: 32, mtim: 40, ctim: 48 },
    subscription: { size: 56, clockId: 24, timeout: 32, clockFlags: 48 },
  },
};

/** All calls that the host answers itself, in the layout of the namespace that the guest imports them from. */
export function hostCalls(host: Host, namespace: Namespace): Pick<Calls, HostCall> {
  const abi = ABIS[namespace];
  return {
    ...dataCalls(host),
    ...positionCalls(host, abi.whences),
    ...sizeCalls(host),
    ...descriptorCalls(host),
    ...filestatCalls(host, abi.filestat),
    ...preopenCalls(host),
    ...directoryCalls(host),
    ...linkCalls(host),
    ...nameCalls(host),
    ...openCalls(host),
    ...clockCalls(host),
    ...randomCalls(host),
    ...pollCalls(host, abi.subscription),
    ...processCalls(),
    ...socketCalls(host),
  };
}
