import { ErgonError, type ErrorCatalogue } from '../interface/errors.ts';

export const EXE_UNIT_ERROR_CODES = [
  'ERR_EXE_UNIT_NOT_FOUND',
  'ERR_EXE_UNIT_CONFLICT',
  'ERR_EXE_UNIT_BUSY',
  'ERR_EXE_UNIT_BATCH_NOT_FOUND',
  'ERR_EXE_UNIT_ENDED',
  'ERR_EXE_UNIT_NOT_ENDED',
  'ERR_EXE_UNIT_ALIVE',
  'ERR_EXE_UNIT_GONE',
  'ERR_EXE_UNIT_UNKNOWN',
  'ERR_EXE_UNIT_HASH_MISMATCH',
  'ERR_EXE_UNIT_TRANSFER_UNSUPPORTED',
  'ERR_EXE_UNIT_NO_VOLUME',
  'ERR_EXE_UNIT_SUSPEND_UNSUPPORTED',
  'ERR_EXE_UNIT_NETWORK_UNSUPPORTED',
  'ERR_EXE_UNIT_NETWORK_INVALID',
  'ERR_EXE_UNIT_CONNECT_FAILED',
  'ERR_EXE_UNIT_LIMIT_UNSUPPORTED',
  'ERR_EXE_UNIT_JOURNAL_DAMAGED',
  'ERR_EXE_UNIT_LAUNCH_FAILED',
  'ERR_EXE_UNIT_PROTOCOL',
  'ERR_EXE_UNIT_RUNTIME_UNKNOWN',
  'ERR_EXE_UNIT_DESCRIPTOR',
  'ERR_EXE_UNIT_FAILED',
] as const;
export type ExeUnitErrorCode = (typeof EXE_UNIT_ERROR_CODES)[number];

/** Something about a supervisor, its journal or its runtime. */
export class ExeUnitError extends ErgonError<ExeUnitErrorCode> {}

export const exeUnitErrors: ErrorCatalogue<ExeUnitErrorCode> = {
  ERR_EXE_UNIT_NOT_FOUND: {
    meaning: 'There is no work directory of this activity on this machine.',
    remedy: 'Check the id; `ergon activity list` shows the activities that there are.',
  },
  ERR_EXE_UNIT_CONFLICT: {
    meaning:
      'The id was used before, for something else: an activity with another specification, or a batch with another script.',
    remedy: 'Use a new id for a new thing; repeat the same request to repeat the same thing.',
  },
  ERR_EXE_UNIT_BUSY: {
    meaning: 'Another batch is still running in the activity.',
    remedy: 'Wait until that batch has finished.',
  },
  ERR_EXE_UNIT_BATCH_NOT_FOUND: {
    meaning: 'The supervisor was never given this batch.',
    remedy: 'Check the batch id; hand the script over first.',
  },
  ERR_EXE_UNIT_ENDED: {
    meaning: 'The activity has ended or is about to; it takes no more commands.',
    remedy: 'Create a new activity.',
  },
  ERR_EXE_UNIT_NOT_ENDED: {
    meaning: 'The work directory belongs to an activity that has not ended.',
    remedy: 'End the activity first.',
  },
  ERR_EXE_UNIT_ALIVE: {
    meaning: 'The supervisor lives, so its journal is its own.',
    remedy: 'End the activity through its supervisor.',
  },
  ERR_EXE_UNIT_GONE: {
    meaning: 'The supervisor of the activity is dead.',
    remedy: 'The activity ends with the reason SupervisorLost; create a new one.',
  },
  ERR_EXE_UNIT_UNKNOWN: {
    meaning: 'The supervisor does not answer, and is not provably dead.',
    remedy: 'Try again; if it stays so, look at the process named in supervisor.json of the work directory.',
  },
  ERR_EXE_UNIT_HASH_MISMATCH: {
    meaning: 'A file does not have the hash that it was asked for by.',
    remedy: 'Fetch the blob again; if it stays so, the stored blob is damaged.',
  },
  ERR_EXE_UNIT_TRANSFER_UNSUPPORTED: {
    meaning: 'There is no transfer between these two URLs, or not in this format.',
    remedy:
      'One side is `container:/path`, the other that, a blob or an http(s) URL; a directory (its path ends in `/`) goes with an archive, `raw` with one file.',
  },
  ERR_EXE_UNIT_NO_VOLUME: {
    meaning:
      'The path of a transfer lies in none of the directories that last and that transfers reach: what was put there would not be found by the program.',
    remedy:
      "Use a path in one of the directories that the message names (a program can copy a file of the image's there), or ask for one with the deployment (`deploy.volumes`).",
  },
  ERR_EXE_UNIT_SUSPEND_UNSUPPORTED: {
    meaning: 'The runtime cannot freeze what it runs.',
    remedy: 'Use a runtime whose `supports` has `suspend` (see `ergon runtime list`), or end the activity.',
  },
  ERR_EXE_UNIT_NETWORK_UNSUPPORTED: {
    meaning: 'The runtime has no networks between activities.',
    remedy:
      'Ask for providers with the capability `vpn` (`golem.runtime.capabilities=vpn`), or deploy without `net`.',
  },
  ERR_EXE_UNIT_NETWORK_INVALID: {
    meaning:
      'The networks of a `deploy` cannot be: an address that is none of theirs, a mask that is none, or an overlap.',
    remedy: 'Correct what the message names.',
  },
  ERR_EXE_UNIT_CONNECT_FAILED: {
    meaning:
      'Nothing in the activity takes connections on this port, or its network is not there (yet, or any more).',
    remedy: 'Start the server first; it has to listen on the network address of the activity, or on all.',
  },
  ERR_EXE_UNIT_LIMIT_UNSUPPORTED: {
    meaning: 'The activity has a limit that its runtime cannot watch over.',
    remedy: 'Leave the limit out (`fuel` is one of WASI programs), or use another runtime.',
  },
  ERR_EXE_UNIT_JOURNAL_DAMAGED: {
    meaning: "A line of an activity's journal is not what was written.",
    remedy:
      'Check the disk. The activity cannot be trusted any more: end it by hand and keep the work directory as evidence.',
  },
  ERR_EXE_UNIT_LAUNCH_FAILED: {
    meaning: 'A supervisor process could not be started.',
    remedy:
      "Read the message and the supervisor's log; check that the machine has memory and processes left.",
  },
  ERR_EXE_UNIT_PROTOCOL: {
    meaning: 'A message between daemon and supervisor does not fit their protocol, or is too large.',
    remedy: 'Make the script smaller; if it is not large, report this with the log.',
  },
  ERR_EXE_UNIT_RUNTIME_UNKNOWN: {
    meaning: 'There is no runtime of this name.',
    remedy: 'See `ergon runtime list`; check the directories that runtimes are read from.',
  },
  ERR_EXE_UNIT_DESCRIPTOR: {
    meaning: "A runtime's descriptor.json or its module is not what it should be.",
    remedy: 'Correct the named file.',
  },
  ERR_EXE_UNIT_FAILED: {
    meaning: 'The supervisor failed at a request.',
    remedy: "Read the supervisor's log in the work directory of the activity, and report it.",
  },
};
