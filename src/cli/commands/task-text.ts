import { amount, bytes, duration, time, type Token } from '../format.ts';
import type { Output } from '../io.ts';
import { fields } from '../table.ts';
import type { TaskView } from '../views.ts';

/** A task as `ergon task show` prints it. */
export function describeTask(output: Output, task: TaskView, tokens: readonly Token[]): string {
  const { spec, bill, result, reason } = task;
  const { limits } = spec;
  const money = (units: string): string => amount(units, bill.platform, tokens);
  return fields(output, [
    ['task', task.taskId],
    ['name', spec.name],
    ['state', `${task.state} since ${time(task.stateChangedAt)}`],
    ['progress', `${task.progress.percent}% ${task.progress.message}`],
    ['reason', reason && `${reason.code}: ${reason.message}`],
    ['program', `${[spec.entryPoint, ...spec.args].join(' ')} (${spec.runtime})`],
    ['package', spec.package],
    ['image', spec.image],
    ['limits', describeLimits(limits)],
    ['created', time(task.createdAt)],
    ...task.attempts.map((attempt): [string, string] => [
      `attempt ${attempt.number}`,
      [
        attempt.phase,
        `from ${time(attempt.startedAt)}`,
        attempt.endedAt === undefined ? '' : `for ${duration(attempt.endedAt - attempt.startedAt)}`,
        `agreement ${attempt.agreementId}`,
        `activity ${attempt.activityId}`,
        attempt.reason === undefined ? '' : `${attempt.reason.code}: ${attempt.reason.message}`,
      ]
        .filter((part) => part !== '')
        .join(', '),
    ]),
    ['exit code', result?.exitCode?.toString()],
    ['output', result && `stdout ${bytes(result.stdoutBytes)}, stderr ${bytes(result.stderrBytes)}`],
    ...(result?.outputs ?? []).map((file): [string, string] => [
      'file',
      `${file.path} (${bytes(file.sizeBytes)})`,
    ]),
    ['budget', money(bill.budget)],
    ['accepted', money(bill.accepted)],
    ['invoiced', money(bill.invoiced)],
    ['settled', money(bill.settled)],
  ]);
}

function describeLimits(limits: TaskView['spec']['limits']): string {
  return [
    `${limits.cpuThreads} thread${limits.cpuThreads === 1 ? '' : 's'}`,
    `${bytes(limits.memoryBytes)} memory`,
    `${bytes(limits.storageBytes)} storage`,
    ...(limits.cpuTimeMs === undefined ? [] : [`${duration(limits.cpuTimeMs)} of CPU`]),
    ...(limits.fuel === undefined ? [] : [`${limits.fuel} units of fuel`]),
    `${duration(limits.wallTimeMs)} in all`,
  ].join(', ');
}
