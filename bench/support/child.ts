import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A process of `bench/children/`, which ends with us. */
export interface Child<Hello> {
  readonly process: ChildProcess;
  /** What it said when it was ready. */
  readonly hello: Hello;
  readonly stop: () => Promise<void>;
}

/** Starts it and waits until it is ready. With `stdout: 'pipe'` its output is ours to read. */
export async function startChild<Hello>(
  name: string,
  args: readonly string[],
  stdout: 'ignore' | 'pipe' = 'ignore',
): Promise<Child<Hello>> {
  const program = fileURLToPath(new URL(`../children/${name}${extname(import.meta.url)}`, import.meta.url));
  const child = fork(program, args, {
    stdio: ['ignore', stdout, 'inherit', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const exited = once(child, 'exit');
  const failed = exited.then(() => Promise.reject(new Error(`${name} ended before it was ready`)));
  failed.catch(() => undefined);
  const [hello] = (await Promise.race([once(child, 'message'), failed])) as [Hello];
  return {
    process: child,
    hello,
    stop: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** The child's side: says that it is ready, and ends when its parent does or lets go of it. */
export function ready(hello: object): void {
  process.once('disconnect', () => process.exit(0));
  process.send?.(hello);
}
