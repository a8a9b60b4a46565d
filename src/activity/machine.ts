import type { ActivityState } from '../interface/activity.ts';
import { ActivityError } from './errors.ts';

/*
 * The life of an activity.
 *
 *          deploy             start           run              suspend
 *   New ───────────► Deploying ─────► Ready ─────────► Running ────────► Suspended
 *                                       ▲                │   ▲               │
 *                                       └──── finish ────┘   └─── resume ────┘
 *
 *   any of these ── complete ──► Completed
 *   any of these ── abort ─────► Terminated
 *
 * `sign` (from New on) and `transfer` (once deployed) take the lock but lead back to where they began.
 *
 * The pair [state, pending] is the lock: `begin` sets pending, and until `commit` or `rollback` clears it every
 * other command is Busy. Only an end may preempt a command in progress, and nothing preempts an end.
 */

export const ACTIVITY_COMMANDS = [
  'deploy',
  'start',
  'run',
  'finish',
  'suspend',
  'resume',
  'transfer',
  'sign',
  'complete',
  'abort',
] as const;
export type ActivityCommand = (typeof ACTIVITY_COMMANDS)[number];

/** Command → from → to. What does not stand here is illegal. */
export const TRANSITIONS: Readonly<
  Record<ActivityCommand, Readonly<Partial<Record<ActivityState, ActivityState>>>>
> = {
  deploy: { New: 'Deploying' },
  start: { Deploying: 'Ready' },
  run: { Ready: 'Running' },
  finish: { Running: 'Ready' },
  suspend: { Running: 'Suspended' },
  resume: { Suspended: 'Running' },
  transfer: { Deploying: 'Deploying', Ready: 'Ready' },
  sign: { New: 'New', Deploying: 'Deploying', Ready: 'Ready' },
  complete: {
    New: 'Completed',
    Deploying: 'Completed',
    Ready: 'Completed',
    Running: 'Completed',
    Suspended: 'Completed',
  },
  abort: {
    New: 'Terminated',
    Deploying: 'Terminated',
    Ready: 'Terminated',
    Running: 'Terminated',
    Suspended: 'Terminated',
  },
};

/** Where an activity stands: its state, and the one that a command in progress leads to. */
export interface ActivityPair {
  readonly state: ActivityState;
  readonly pending?: ActivityState;
}

export const INITIAL_PAIR: ActivityPair = { state: 'New' };

/** True for a state that nothing follows. */
export function isFinal(state: ActivityState): boolean {
  return state === 'Completed' || state === 'Terminated';
}

/**
 * Takes the lock for `command`.
 * @throws ActivityError ERR_ACTIVITY_BUSY, ERR_ACTIVITY_ILLEGAL_COMMAND
 */
export function begin(pair: ActivityPair, command: ActivityCommand): Required<ActivityPair> {
  const target = TRANSITIONS[command][pair.state];
  if (target === undefined) {
    throw new ActivityError(
      'ERR_ACTIVITY_ILLEGAL_COMMAND',
      `${command} is not possible in state ${pair.state}`,
      {
        command,
        state: pair.state,
      },
    );
  }
  const preempts = isFinal(target) && pair.pending !== undefined && !isFinal(pair.pending);
  if (pair.pending !== undefined && !preempts) {
    throw new ActivityError(
      'ERR_ACTIVITY_BUSY',
      `${command} must wait: a command from ${pair.state} to ${pair.pending} is in progress`,
      { command, state: pair.state, pending: pair.pending },
    );
  }
  return { state: pair.state, pending: target };
}

/** The command in progress has succeeded: its target is the state. */
export function commit(pair: ActivityPair): ActivityPair {
  return { state: pendingOf(pair) };
}

/** The command in progress has failed: the state stays where it was. */
export function rollback(pair: ActivityPair): ActivityPair {
  pendingOf(pair);
  return { state: pair.state };
}

function pendingOf(pair: ActivityPair): ActivityState {
  if (pair.pending === undefined) {
    throw new ActivityError(
      'ERR_ACTIVITY_NOTHING_PENDING',
      `no command is in progress in state ${pair.state}`,
      {
        state: pair.state,
      },
    );
  }
  return pair.pending;
}
