import { describe, expect, it } from 'vitest';
import { exitStatus } from '../../../runtimes/shared/exit-status.ts';
import { classifyExit, type Evidence } from '../../../runtimes/wasi/exit.ts';
import type { GuestEnd } from '../../../runtimes/wasi/runner/protocol.ts';

const killed: Evidence = {
  report: undefined,
  exit: { code: 137, signal: null },
  sentSignal: undefined,
  oomKilled: false,
  diagnostics: '',
  memoryLimitBytes: 1000,
  memoryPeakBytes: 900,
  storageLimitBytes: 2000,
  filesLimit: 30,
};
const reported = (end: GuestEnd, refusedPages = 0, refusedBytes = 0, refusedFiles = 0): Evidence => ({
  ...killed,
  report: {
    ...{ type: 'ended', end, memoryBytes: 65_536, cpuUs: 0, peakRssBytes: 0 },
    ...{ refusedPages, refusedBytes, refusedFiles },
  },
});

describe('what ended a guest', () => {
  it.each<[string, Evidence, unknown]>([
    ['its own word', reported({ kind: 'exit', code: 7 }), { kind: 'exited', code: 7 }],
    [
      'its own word, though it was being killed',
      { ...reported({ kind: 'exit', code: 0 }), sentSignal: 'SIGKILL' },
      { kind: 'exited', code: 0 },
    ],
    [
      'a signal that it raised',
      reported({ kind: 'raise', signal: 'SIGFPE' }),
      { kind: 'signaled', signal: 'SIGFPE' },
    ],
    ['a trap', reported({ kind: 'trap', message: 'x' }), { kind: 'signaled', signal: 'SIGABRT' }],
    [
      'a trap after it was refused memory',
      reported({ kind: 'trap', message: 'x' }, 2),
      { kind: 'limit', limit: 'memory', limitValue: 1000, observed: 196_608 },
    ],
    [
      'not being able to start',
      reported({ kind: 'failed', message: 'no' }),
      { kind: 'failed', message: 'no' },
    ],
    ['us', { ...killed, sentSignal: 'SIGTERM' }, { kind: 'signaled', signal: 'SIGTERM' }],
    ['somebody else', killed, { kind: 'signaled', signal: 'SIGKILL' }],
    [
      'the kernel, for want of memory',
      { ...killed, oomKilled: true },
      { kind: 'limit', limit: 'memory', limitValue: 1000, observed: 900 },
    ],
    [
      'V8, for want of memory',
      { ...killed, exit: { code: 133, signal: null }, diagnostics: '# Fatal process out of memory: Zone' },
      { kind: 'limit', limit: 'memory', limitValue: 1000, observed: 900 },
    ],
    [
      'the backstop of the disk',
      { ...killed, exit: { code: null, signal: 'SIGXFSZ' } },
      { kind: 'limit', limit: 'disk', limitValue: 2000, observed: 2001 },
    ],
    [
      'an exit after it was refused another file',
      reported({ kind: 'exit', code: 1 }, 0, 0, 30),
      { kind: 'limit', limit: 'files', limitValue: 30, observed: 30 },
    ],
  ])('is %s', (_, evidence, exit) => expect(classifyExit(evidence)).toEqual(exit));

  it('is said to have failed where nothing explains it', () => {
    const exit = classifyExit({ ...killed, exit: { code: 1, signal: null }, diagnostics: 'bwrap: no' });
    expect(exit).toEqual({
      kind: 'failed',
      message: 'The runner ended without a word (status 1): bwrap: no',
    });
  });

  it('shows in a shell as it does for any program', () => {
    expect(exitStatus({ kind: 'exited', code: 257 })).toBe(1);
    expect(exitStatus({ kind: 'signaled', signal: 'SIGABRT' })).toBe(134);
    expect(exitStatus({ kind: 'limit', limit: 'memory', limitValue: 1, observed: 2 })).toBe(137);
    expect(exitStatus({ kind: 'failed', message: '' })).toBe(125);
  });
});
