import { describe, expect, it } from 'vitest';
import { stateView, usageView } from '../../../../src/api/rest/yagna/activity/state-view.ts';
import type { ActivityState } from '../../../../src/interface/index.ts';
import { activityRecord } from '../support/samples.ts';

type Pair = readonly [string, string | null];

/** Our state, the one that a command under way leads to, and what clients of Yagna read. */
const MAPPING: readonly (readonly [state: ActivityState, pending: ActivityState | undefined, read: Pair])[] =
  [
    ['New', undefined, ['Initialized', null]],
    ['New', 'Deploying', ['Initialized', 'Deployed']],
    ['Deploying', undefined, ['Deployed', null]],
    ['Deploying', 'Deploying', ['Deployed', 'Deployed']],
    ['Deploying', 'Ready', ['Deployed', 'Ready']],
    ['Ready', undefined, ['Ready', null]],
    ['Ready', 'Running', ['Ready', 'Ready']],
    ['Running', undefined, ['Ready', 'Ready']],
    ['Running', 'Suspended', ['Ready', 'Ready']],
    ['Suspended', undefined, ['Ready', 'Ready']],
    ['Ready', 'Completed', ['Ready', 'Terminated']],
    ['Running', 'Terminated', ['Ready', 'Terminated']],
    ['Completed', undefined, ['Terminated', null]],
    ['Terminated', undefined, ['Terminated', null]],
  ];

const record = (state: ActivityState, pending?: ActivityState) =>
  activityRecord('a', { state, ...(pending !== undefined && { pending }) });

describe('the state of an activity, as clients of Yagna read it', () => {
  it.each(MAPPING)('%s, on the way to %s, is %j', (state, pending, read) => {
    expect(stateView(record(state, pending))).toEqual({ state: read });
  });

  it.each(MAPPING)(
    '%s, on the way to %s, keeps what is under way when its provider cannot be reached',
    (state, pending, read) => {
      const hasEnded = state === 'Completed' || state === 'Terminated';
      const [current, next] = read;
      expect(stateView({ ...record(state, pending), unreachableSince: 1 })).toEqual({
        state: hasEnded ? read : ['Unresponsive', next],
      });
      expect(current).not.toBe('Unresponsive');
    },
  );

  it('says why it ended', () => {
    const reason = { code: 'LimitExceeded', message: 'memory' };
    expect(stateView({ ...record('Terminated'), reason })).toEqual({
      state: ['Terminated', null],
      reason: 'LimitExceeded',
      errorMessage: 'memory',
    });
  });

  it('has a usage for each counter of its agreement, in their order', () => {
    const counters = ['golem.usage.duration_sec', 'golem.usage.cpu_sec'];
    expect(usageView(record('Running'), counters)).toEqual({
      currentUsage: [0, 1.5],
      timestamp: 1_800_000_000,
    });
  });
});
