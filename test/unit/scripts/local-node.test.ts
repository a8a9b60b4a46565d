import { spawn } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import { endIn, type Place } from '../../../scripts/local-node.ts';
import { processTree } from '../../../runtimes/wasi/limits/proc.ts';

const started: number[] = [];
afterEach(() => {
  for (const pid of started.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('ends the program and not whoever enters a place for it, also while that is still on its way', async () => {
  const child = spawn('sh', ['-c', 'sleep 1000 & wait'], { stdio: 'ignore' });
  await expect.poll(() => processTree(child.pid!)).toHaveLength(2);
  const program = processTree(child.pid!)[1]!;
  started.push(child.pid!, program);
  let looks = 0;
  const place: Place = {
    command: (line) => line,
    pidOf() {
      looks += 1;
      if (looks < 3) throw new Error('nobody has entered');
      return program;
    },
  };
  await endIn(place, child, 'SIGKILL');
  expect(isAlive(program)).toBe(false);
});

it('has nothing to do where the program has ended', async () => {
  const child = spawn('true', { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  const place: Place = { command: (line) => line, pidOf: () => process.pid };
  await endIn(place, child, 'SIGKILL');
});
