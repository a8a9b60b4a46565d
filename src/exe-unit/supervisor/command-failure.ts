import type { CommandResult } from '../../interface/exe-script.ts';
import type { Reason } from '../../interface/values.ts';

/** What a command's result says beside Ok or Error. */
export type CommandFacts = Pick<
  CommandResult,
  'exitCode' | 'stdout' | 'stderr' | 'stdoutCapture' | 'stderrCapture' | 'blob' | 'message'
>;

/** A command that failed, with what is known of it nevertheless. */
export class CommandFailure extends Error {
  readonly reason: Reason;
  readonly facts: CommandFacts;

  constructor(reason: Reason, facts: CommandFacts = {}) {
    super(reason.message);
    this.name = 'CommandFailure';
    this.reason = reason;
    this.facts = facts;
  }
}
