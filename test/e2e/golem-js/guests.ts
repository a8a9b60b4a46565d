import type { MarketOrderSpec } from '@golem-sdk/golem-js';
import { busyboxImage, whyNoEngine } from '../../support/docker-engine.ts';
import { WORKLOAD } from '../../support/workload.ts';
import { readFile } from 'node:fs/promises';

type Program = [entryPoint: string, args: string[]];

/** What the tests' programs do, in one of the runtimes. */
export interface Guest {
  readonly runtime: 'wasi' | 'docker';
  readonly imageTag: string;
  readonly image: () => Promise<Uint8Array<ArrayBuffer>>;
  readonly order: MarketOrderSpec;
  /** Prints a variable of its environment. */
  readonly env: (name: string) => Program;
  readonly exit: (code: number) => Program;
  /** `begin first` (or `again`), a numbered line every so often, `end`. */
  readonly tick: (count: number, intervalMs: number) => Program;
}

const market: MarketOrderSpec['market'] = {
  rentHours: 0.25,
  pricing: { model: 'linear', maxStartPrice: 0.5, maxCpuPerHourPrice: 1, maxEnvPerHourPrice: 0.5 },
};

export const WASI: Guest = {
  runtime: 'wasi',
  imageTag: 'ergon/workload:latest',
  image: async () => new Uint8Array(await readFile(WORKLOAD)),
  order: {
    demand: { workload: { imageTag: 'ergon/workload:latest', runtime: { name: 'wasmtime' } } },
    market,
  },
  env: (name) => ['workload', ['env', name]],
  exit: (code) => ['workload', ['exit', String(code)]],
  tick: (count, intervalMs) => ['workload', ['tick', String(count), String(intervalMs)]],
};

const TICK = `
if mkdir /golem/work/run-id 2>/dev/null; then echo begin first; else echo begin again; fi
i=1
while [ $i -le "$1" ]; do sleep "$2"; echo tick $i; i=$((i + 1)); done
echo end`;

/** As stock programs ask for it: no runtime named, so `vm`, and a tag of Golem's. */
export const DOCKER: Guest = {
  runtime: 'docker',
  imageTag: 'golem/alpine:latest',
  // As the SDK's own example of a local image has it.
  image: async () =>
    new Uint8Array(
      busyboxImage([{ name: 'golem/work/hello.txt', body: Buffer.from('hello from my local image\n') }]),
    ),
  order: { demand: { workload: { imageTag: 'golem/alpine:latest' } }, market },
  env: (name) => ['/bin/sh', ['-c', `echo "$${name}"`]],
  exit: (code) => ['/bin/sh', ['-c', `exit ${code}`]],
  tick: (count, intervalMs) => ['/bin/sh', ['-c', TICK, 'sh', String(count), String(intervalMs / 1000)]],
};

/** Both, or WASI alone where there is no engine; in CI a missing engine is no excuse. */
export const GUESTS: readonly Guest[] =
  (await whyNoEngine()) === undefined || process.env['CI'] !== undefined ? [WASI, DOCKER] : [WASI];
