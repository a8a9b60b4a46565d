import { describe, expect, it } from 'vitest';
import type { Cgroup } from '../../../runtimes/wasi/limits/cgroup.ts';
import { Meter } from '../../../runtimes/wasi/limits/meter.ts';
import type { EndedReport } from '../../../runtimes/wasi/sandbox/runner-process.ts';

const NO_PROCESS = 2 ** 22 + 1;
const report = (cpuUs: number, peakRssBytes = 0): EndedReport => ({
  type: 'ended',
  end: { kind: 'exit', code: 0 },
  memoryBytes: 0,
  refusedPages: 0,
  refusedBytes: 0,
  refusedFiles: 0,
  cpuUs,
  peakRssBytes,
});

/** A group whose CPU account the test writes. */
function groupWith(account: { cpuNs: bigint | undefined }): Cgroup {
  return {
    limit: () => new Set(),
    add: () => undefined,
    processes: () => [],
    cpuNs: () => account.cpuNs,
    oomKills: () => 0,
    peakMemoryBytes: () => undefined,
    freeze: () => false,
    isFrozen: () => false,
    remove: () => true,
  };
}

describe('the meter', () => {
  it('counts what was used between the begin and the end of each run, and nothing else', () => {
    const account: { cpuNs: bigint | undefined } = { cpuNs: 1000n };
    const meter = new Meter(groupWith(account));
    expect(meter.read().cpuNs).toBe(0n);
    meter.begin(NO_PROCESS, 0);
    account.cpuNs = 1300n;
    expect(meter.read().cpuNs).toBe(300n);
    account.cpuNs = 1500n;
    meter.end(report(999));
    // The next runner starts up.
    account.cpuNs = 9000n;
    expect(meter.read().cpuNs).toBe(500n);
    meter.begin(NO_PROCESS, 0);
    account.cpuNs = 9001n;
    expect(meter.read().cpuNs).toBe(501n);
  });

  it('never falls, and believes the last report where the account went with the process', () => {
    const account: { cpuNs: bigint | undefined } = { cpuNs: 0n };
    const meter = new Meter(groupWith(account));
    meter.begin(NO_PROCESS, 0);
    account.cpuNs = 700n;
    expect(meter.read().cpuNs).toBe(700n);
    account.cpuNs = 600n;
    expect(meter.read().cpuNs).toBe(700n);
    account.cpuNs = undefined;
    meter.end(report(2));
    expect(meter.read().cpuNs).toBe(2000n);
  });

  it('takes the runner’s own memory off', () => {
    const meter = new Meter(undefined);
    meter.begin(NO_PROCESS, 50_000_000);
    meter.end(report(0, 60_000_000));
    expect(meter.read()).toMatchObject({ memoryBytes: 0, memoryPeakBytes: 10_000_000 });
    meter.begin(NO_PROCESS, 50_000_000);
    meter.end(report(0, 40_000_000));
    expect(meter.read().memoryPeakBytes).toBe(10_000_000);
  });
});
