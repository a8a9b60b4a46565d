import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ACTIVITY_COMMANDS,
  begin,
  commit,
  INITIAL_PAIR,
  isFinal,
  rollback,
  type ActivityCommand,
  type ActivityPair,
} from '../../../src/activity/machine.ts';
import { ActivityError } from '../../../src/activity/errors.ts';
import { ACTIVITY_STATES, type ActivityState } from '../../../src/interface/activity.ts';

/** The whole grid by hand, a second time: rows are commands, columns the states in the order of ACTIVITY_STATES; - is illegal. */
const GRID: Record<ActivityCommand, string> = {
  deploy: 'Deploying - - - - - -',
  start: '- Ready - - - - -',
  run: '- - Running - - - -',
  finish: '- - - Ready - - -',
  suspend: '- - - Suspended - - -',
  resume: '- - - - Running - -',
  transfer: '- Deploying Ready - - - -',
  sign: 'New Deploying Ready - - - -',
  complete: 'Completed Completed Completed Completed Completed - -',
  abort: 'Terminated Terminated Terminated Terminated Terminated - -',
};

function codeOf(fn: () => unknown): string | undefined {
  try {
    fn();
    return undefined;
  } catch (error) {
    return error instanceof ActivityError ? error.code : String(error);
  }
}

describe('activity machine', () => {
  for (const command of ACTIVITY_COMMANDS) {
    for (const [column, state] of ACTIVITY_STATES.entries()) {
      const expected = GRID[command].split(' ')[column]!;
      it(`${command} in ${state}: ${expected}`, () => {
        if (expected === '-') {
          expect(codeOf(() => begin({ state }, command))).toBe('ERR_ACTIVITY_ILLEGAL_COMMAND');
        } else {
          expect(begin({ state }, command)).toEqual({ state, pending: expected });
        }
      });
    }
  }

  it('lets only an end preempt a command in progress, and nothing preempt an end', () => {
    for (const command of ACTIVITY_COMMANDS) {
      for (const state of ACTIVITY_STATES.filter((s) => !isFinal(s))) {
        if (codeOf(() => begin({ state }, command)) !== undefined) continue;
        const ends = command === 'complete' || command === 'abort';
        expect(codeOf(() => begin({ state, pending: 'Ready' }, command))).toBe(
          ends ? undefined : 'ERR_ACTIVITY_BUSY',
        );
        expect(codeOf(() => begin({ state, pending: 'Terminated' }, command))).toBe('ERR_ACTIVITY_BUSY');
      }
    }
  });

  it('moves on commit, stays on rollback, and knows when nothing is in progress', () => {
    const pair = begin(INITIAL_PAIR, 'deploy');
    expect(commit(pair)).toEqual({ state: 'Deploying' });
    expect(rollback(pair)).toEqual({ state: 'New' });
    expect(codeOf(() => commit(INITIAL_PAIR))).toBe('ERR_ACTIVITY_NOTHING_PENDING');
    expect(codeOf(() => rollback(INITIAL_PAIR))).toBe('ERR_ACTIVITY_NOTHING_PENDING');
  });

  it('keeps its promises over any sequence of commands', () => {
    const step = fc.tuple(
      fc.constantFrom<ActivityCommand | 'commit' | 'rollback'>(...ACTIVITY_COMMANDS, 'commit', 'rollback'),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let pair: ActivityPair = INITIAL_PAIR;
        const order: Record<ActivityState, number> = {
          New: 0,
          Deploying: 1,
          Ready: 2,
          Running: 3,
          Suspended: 4,
          Completed: 5,
          Terminated: 5,
        };
        let reached = 0;
        for (const [name] of steps) {
          const before = { ...pair };
          try {
            pair =
              name === 'commit' ? commit(pair) : name === 'rollback' ? rollback(pair) : begin(pair, name);
          } catch (error) {
            expect(error).toBeInstanceOf(ActivityError);
            expect(pair).toEqual(before);
            continue;
          }
          // Nothing leaves an end; nothing is skipped on the way up; a rollback never moves.
          if (isFinal(before.state)) expect(pair).toEqual(before);
          if (name !== 'commit') expect(pair.state).toBe(before.state);
          if (!isFinal(pair.state)) expect(order[pair.state]).toBeLessThanOrEqual(reached + 1);
          reached = Math.max(reached, order[pair.state]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
