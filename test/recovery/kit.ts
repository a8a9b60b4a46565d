import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ExeScript } from '../../src/interface/index.ts';
import { busyboxImage } from '../support/docker-engine.ts';
import { WORKLOAD } from '../support/workload.ts';

export const TICKS = 100;
export const TICK_MS = 50;
/** A second run in the same activity would say `begin again`. */
export const WHOLE_LOG = [
  'begin first',
  ...Array.from({ length: TICKS }, (_, i) => `tick ${i + 1}`),
  'end',
  '',
].join('\n');
export const SUMMARY = `${TICKS} ticks\n`;

/** What differs between the runtimes: the package, and how it is told to do the same. */
export interface Kit {
  readonly runtime: 'wasi' | 'docker';
  readonly packageBytes: Uint8Array;
  readonly packageHash: string;
  /** The same program in a package that no node has yet. */
  uniquePackage(name: string): Uint8Array;
  /** Says that it begins, counts, leaves a file behind. */
  readonly run: ExeScript[number];
  /** Where it leaves the file. */
  readonly summary: string;
  /** Somewhere to transfer to. */
  readonly input: string;
}

export function wasiKit(): Kit {
  const bytes = readFileSync(WORKLOAD);
  return kit('wasi', bytes, {
    // A custom section: id 0, its size, its name and nothing more.
    uniquePackage: (name) =>
      Buffer.concat([bytes, Buffer.from([0, name.length + 1, name.length]), Buffer.from(name)]),
    run: {
      run: { entry_point: 'workload', args: ['tick', String(TICKS), String(TICK_MS), '/sum.txt'] },
    },
    summary: 'container:/sum.txt',
    input: 'container:/in.bin',
  });
}

const SCRIPT = `
if mkdir /golem/work/run-id 2>/dev/null; then echo begin first; else echo begin again; fi
i=0
while [ $i -lt ${TICKS} ]; do sleep 0.05; i=$((i+1)); echo tick $i; done
echo end
echo ${TICKS} ticks > /golem/output/sum.txt
`;

/** So that every deployment has something to copy, and can be killed while it does. */
const AT_A_VOLUME = { name: 'golem/work/of-the-image', body: Buffer.alloc(100_000) };

export function dockerKit(): Kit {
  return kit('docker', busyboxImage([AT_A_VOLUME]), {
    uniquePackage: (name) => busyboxImage([AT_A_VOLUME, { name: 'etc/name', body: Buffer.from(name) }]),
    run: { run: { entry_point: 'sh', args: ['-c', SCRIPT] } },
    summary: 'container:/golem/output/sum.txt',
    input: 'container:/golem/input/in.bin',
  });
}

function kit(
  runtime: Kit['runtime'],
  packageBytes: Uint8Array,
  rest: Omit<Kit, 'runtime' | 'packageBytes' | 'packageHash'>,
): Kit {
  return { runtime, packageBytes, packageHash: hashOf(packageBytes), ...rest };
}

export function hashOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
