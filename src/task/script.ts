import type { ExeScript, TaskSpec } from '../interface/index.ts';

/** The ExeScript that runs a task: deploy, start, inputs in, the program, outputs out. */
export function taskScript(spec: TaskSpec): ExeScript {
  return [
    { deploy: { env: spec.env } },
    { start: {} },
    ...spec.inputs.map((input) => ({
      transfer: { from: `blob:${input.blob}`, to: `container:${input.path}` },
    })),
    {
      run: {
        entry_point: spec.entryPoint,
        args: spec.args,
        timeout_ms: spec.limits.wallTimeMs,
        ...(spec.stdin === undefined ? {} : { stdin: spec.stdin }),
      },
    },
    ...spec.outputs.map((path) => ({ transfer: { from: `container:${path}`, to: 'blob:' } })),
  ];
}

/** Where in the script the program itself stands. */
export const runIndex = (spec: TaskSpec): number => 2 + spec.inputs.length;
/** Where the transfer of `spec.outputs[i]` stands. */
export const outputIndex = (spec: TaskSpec, i: number): number => runIndex(spec) + 1 + i;
