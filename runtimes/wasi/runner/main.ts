import fs from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { init } from '@wasmer/wasi';
import { writeStream } from '../host/streams.ts';
import { Channel } from './channel.ts';
import { warmEnvironment } from './environment.ts';
import { execute } from './execute.ts';
import { LatestReport } from './latest-report.ts';
import { RUNNER_FD, type Confinement, type GuestEnd, type LoadOrder, type RunOrder } from './protocol.ts';

/*
 * The process that a guest runs in: started ahead of its job, it loads all it needs, compiles one module, runs it once
 * and exits. It is confined before its first line runs; nothing here is trusted to confine.
 */

const channel = new Channel();

const TRAP_EXIT_CODE = 134;
/** Above this, compiling all of the module with the optimising compiler costs more than it gains. */
const SMALL_MODULE_BYTES = 1_000_000;
/** The flag holds for the memory of @wasmer/wasi too, which keeps the arguments and the environment. */
const MIN_MEMORY_PAGES = 1024;
const DISK_REPORT_INTERVAL_MS = 100;
const FUEL_REPORT_INTERVAL_MS = 10;

await init();
warmEnvironment();
channel.report({ type: 'ready', confinement: confinement() });
const module = load();
if (module !== undefined) run(module);

function load(): WebAssembly.Module | undefined {
  const order = channel.receive();
  if (order?.type !== 'load') return undefined;
  try {
    const compiled = compile(order);
    channel.report({ type: 'loaded' });
    return compiled;
  } catch (error) {
    channel.report({ type: 'refused', message: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

function compile(order: LoadOrder): WebAssembly.Module {
  const { originalPath } = order;
  if (originalPath !== undefined) expectValid(readModule(originalPath));
  const bytes = readModule(order.modulePath);
  // A second wall behind the maximum that the module itself was given.
  setFlagsFromString(`--wasm-max-mem-pages=${Math.max(order.maxPages, MIN_MEMORY_PAGES)}`);
  // One long hot loop otherwise stays in baseline code to its end.
  if (bytes.length < SMALL_MODULE_BYTES) setFlagsFromString('--no-liftoff');
  return new WebAssembly.Module(bytes);
}

/** What is added to a valid module nothing in it can reach; a module that is not valid could have been made to. */
function expectValid(original: Uint8Array<ArrayBuffer>): void {
  // Only the compiler says what is wrong with it.
  if (!WebAssembly.validate(original)) new WebAssembly.Module(original);
}

function readModule(modulePath: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(fs.statSync(modulePath).size);
  const file = fs.openSync(modulePath, 'r');
  try {
    for (let at = 0; at < bytes.length;) {
      const length = fs.readSync(file, bytes.subarray(at));
      if (length === 0) break;
      at += length;
    }
    return bytes;
  } finally {
    fs.closeSync(file);
  }
}

function run(compiled: WebAssembly.Module): void {
  const order = channel.receive();
  if (order?.type !== 'run') return;
  channel.report({ type: 'started' });
  const end = runOrder(compiled, order);
  process.exit(end.kind === 'exit' ? end.code & 0xff : TRAP_EXIT_CODE);
}

function runOrder(compiled: WebAssembly.Module, order: RunOrder): GuestEnd {
  const cpuBefore = process.cpuUsage();
  const disk = new LatestReport(channel, DISK_REPORT_INTERVAL_MS);
  const fuel = new LatestReport(channel, FUEL_REPORT_INTERVAL_MS);
  let faults = 0;
  const { end, ...figures } = execute(compiled, order, {
    onFault: (call, error) => {
      // The first one tells the story; a guest could cause any number.
      if (faults++ === 0) channel.report({ type: 'fault', call, message: String(error) });
    },
    onDisk: ({ usedBytes, usedEntries }) =>
      disk.changed({ type: 'disk', bytes: usedBytes, entries: usedEntries }),
    onFuel: (used) => fuel.changed({ type: 'fuel', used: used.toString() }),
  });
  if (end.kind === 'trap') tellGuest(`wasm trap: ${end.message}\n`);
  disk.flush();
  fuel.flush();
  const { user, system } = process.cpuUsage(cpuBefore);
  const peakRssBytes = process.resourceUsage().maxRSS * 1024;
  channel.report({ type: 'ended', end, ...figures, cpuUs: user + system, peakRssBytes });
  return end;
}

function tellGuest(text: string): void {
  try {
    writeStream(RUNNER_FD.STDERR, Buffer.from(text));
  } catch {
    // Nobody reads its stderr any more.
  }
}

function confinement(): Confinement {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
  return {
    uid: process.getuid?.() ?? -1,
    noNewPrivileges: field('NoNewPrivs') === '1',
    capabilities: field('CapEff'),
    seccomp: field('Seccomp') === '2',
  };
}
