import fs from 'node:fs';
import type { FindProgram } from './programs.ts';
import type { Sandbox } from './sandbox.ts';

/*
 * Backstops that every runner starts with: no core dumps of a guest's memory, no more descriptors than the host
 * hands out (and a deep path walks through), and a stack on which deep recursion of a guest fits.
 */

const MAX_OPEN_FILES = 4096;
const STACK_BYTES = 64 << 20;
/** V8 leaves the rest to the host's own calls. */
const GUEST_STACK_KILOBYTES = 8 << 10;
/** JavaScript's own heap: the host's books. The guest's memory is not in it. */
const HEAP_MEGABYTES = 256;

/** Flags of node and V8. Guests' stderr must not show Node's warnings. */
export function nodeFlags(): string[] {
  return ['--no-warnings', `--max-old-space-size=${HEAP_MEGABYTES}`];
}

/** The same sandbox, started by prlimit. Without that program it goes without these backstops. */
export function withResourceLimits(sandbox: Sandbox, find: FindProgram): Sandbox {
  const prlimit = find('prlimit');
  if (prlimit === undefined) return sandbox;
  return {
    ...sandbox,
    command: (plan) => {
      const hasStack = hardLimit('Max stack size') >= STACK_BYTES;
      const files = Math.min(MAX_OPEN_FILES, hardLimit('Max open files'));
      const stackFlags = hasStack ? [`--stack-size=${GUEST_STACK_KILOBYTES}`] : [];
      const command = sandbox.command({ ...plan, nodeFlags: [...plan.nodeFlags, ...stackFlags] });
      const limits = ['--core=0', `--nofile=${files}`, ...(hasStack ? [`--stack=${STACK_BYTES}`] : [])];
      return { ...command, file: prlimit, args: [...limits, '--', command.file, ...command.args] };
    },
  };
}

function hardLimit(name: string): number {
  const line = new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, 'm').exec(
    fs.readFileSync('/proc/self/limits', 'utf8'),
  );
  return line?.[1] === 'unlimited' ? Infinity : Number(line?.[1] ?? 0);
}
