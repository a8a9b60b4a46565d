import type { DeploySpec, ExeUnitRuntime, RunCommand } from '../../src/interface/exe-unit-runtime.ts';
import { RuntimeError } from '../errors.ts';

/**
 * Deploys, runs one program and takes all down again, the whole way that an activity goes.
 * @throws RuntimeError ERR_RUNTIME_FAILED unless the program printed `expected` on stdout and ended well; and whatever
 * the runtime throws on the way
 */
export async function expectOutput(
  runtime: ExeUnitRuntime,
  deployment: Pick<DeploySpec, 'workDir' | 'packagePath' | 'resources'>,
  command: Pick<RunCommand, 'entryPoint' | 'args'>,
  expected: string,
): Promise<void> {
  const handle = await runtime.deploy({ ...deployment, activityId: 'self-test', env: {} });
  try {
    await runtime.start(handle, []);
    const printed = { stdout: '', stderr: '' };
    const collect = (stream: keyof typeof printed) => async (chunk: Uint8Array) => {
      printed[stream] += Buffer.from(chunk).toString();
    };
    const running = await runtime.run(
      handle,
      { ...command, env: {} },
      { stdout: collect('stdout'), stderr: collect('stderr') },
    );
    const exit = await running.exit;
    if (exit.kind === 'exited' && exit.code === 0 && printed.stdout === expected) return;
    throw new RuntimeError(
      'ERR_RUNTIME_FAILED',
      `The test program should have printed a line and ended: ${JSON.stringify({ ...exit, ...printed })}`,
    );
  } finally {
    await runtime.destroy(handle);
  }
}
