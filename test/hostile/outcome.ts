import { expect } from 'vitest';
import type { JournalRecord } from '../../src/interface/exe-unit.ts';
import { ofType } from '../support/exe-units.ts';
import type { HostileProgram, Outcome } from './program.ts';

/** What has become of one program. */
export interface Ended {
  readonly activityId: string;
  readonly records: readonly JournalRecord[];
  readonly stdout: string;
  readonly stderr: string;
}

/** It has ended as it had to, for the reason that it had to. */
export function expectOutcome(
  outcome: Outcome | undefined,
  program: HostileProgram,
  { records, stdout, stderr }: Ended,
): void {
  expect(outcome).toBeDefined();
  const result = ofType(records, 'command-finished').at(-1)?.result;
  const end = ofType(records, 'state').at(-1);
  const story = JSON.stringify({
    result,
    end,
    stdout: stdout.slice(0, 2000),
    stderr: stderr.slice(0, 2000),
  });
  expect(stdout, story).not.toContain('ESCAPED');
  if (program.says !== undefined) expect(stdout, story).toMatch(program.says);
  if (outcome?.kind === 'harmless') expect(result, story).toMatchObject({ result: 'Ok', exitCode: 0 });
  if (outcome?.kind === 'exit') {
    const reason = { code: 'ExitCode', detail: { exitCode: outcome.code } };
    const expected = outcome.code === 0 ? { result: 'Ok' } : { result: 'Error', reason };
    expect(result, story).toMatchObject({ exitCode: outcome.code, ...expected });
  }
  if (outcome?.kind === 'signal') {
    expect(result, story).toMatchObject({
      reason: { code: 'Signaled', detail: { signal: outcome.signal } },
    });
  }
  if (outcome?.kind === 'limit') {
    const { limit, limitValue } = outcome;
    const reason = { code: 'LimitExceeded', detail: { limit, limitValue, observed: expect.any(Number) } };
    expect(result, story).toMatchObject({ result: 'Error', reason });
    expect(end, story).toMatchObject({ state: 'Terminated', reason });
  }
  if (outcome?.kind === 'refused') {
    expect(result, story).toMatchObject({ index: 0, result: 'Error', reason: { code: outcome.code } });
    if (outcome.message !== undefined) expect(result?.reason?.message).toMatch(outcome.message);
  }
}
