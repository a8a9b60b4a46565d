import type { ActivityRecord, ActivityState } from '../../../../interface/index.ts';

type YagnaState = 'New' | 'Initialized' | 'Deployed' | 'Ready' | 'Unresponsive' | 'Terminated';

/** Ours → Yagna's. There, an activity that can be created is Initialized already, and nothing is ever suspended. */
const STATES: Readonly<Record<ActivityState, YagnaState>> = {
  New: 'Initialized',
  Deploying: 'Deployed',
  Ready: 'Ready',
  Running: 'Ready',
  Suspended: 'Ready',
  Completed: 'Terminated',
  Terminated: 'Terminated',
};

/** The state of an activity as Yagna has it: the one that it is in, and the one that it is on its way to. */
export function stateView(record: ActivityRecord): object {
  const { state, pending, unreachableSince, reason } = record;
  const current = STATES[state];
  if (current === 'Terminated') {
    return {
      state: [current, null],
      ...(reason !== undefined && { reason: reason.code, errorMessage: reason.message }),
    };
  }
  // A command that is held has not ended: whoever waits for it goes on waiting.
  const isBusy = state === 'Running' || state === 'Suspended';
  const next = pending === undefined ? (isBusy ? 'Ready' : null) : STATES[pending];
  // Not a state of its own: what is known of it stays true, it only does not answer.
  return { state: [unreachableSince === undefined ? current : 'Unresponsive', next] };
}

const NANO = 1e9;

/** In the order of the agreement's counters. */
export function usageView({ usage, createdAt }: ActivityRecord, counters: readonly string[]): object {
  return {
    currentUsage: counters.map((counter) => Number(usage?.counters[counter] ?? '0') / NANO),
    timestamp: Math.floor((usage?.at ?? createdAt) / 1000),
  };
}
