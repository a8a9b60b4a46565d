import type { LeftOut } from './case.ts';
import type { Outcome } from './run-case.ts';

const mebibytes = (bytes: number | undefined): string =>
  bytes === undefined ? '' : `${(bytes / 2 ** 20).toFixed(0)} MiB`;

export function progressLine(outcome: Outcome, number: number, of: number): string {
  const { name, problems, wallMs, memoryPeakBytes, cpuMs } = outcome;
  const facts = [
    `${(wallMs / 1000).toFixed(1)} s`,
    cpuMs === undefined ? '' : `${(cpuMs / 1000).toFixed(1)} s of CPU`,
    mebibytes(memoryPeakBytes),
  ];
  const verdict = problems.length === 0 ? 'pass' : 'FAIL';
  const place = `${String(number).padStart(String(of).length)}/${of}`;
  return `${place}  ${verdict}  ${name.padEnd(40)} ${facts.filter(Boolean).join(', ')}`;
}

/** Failures one by one, what was not run, and the count. */
export function summary(outcomes: readonly Outcome[], leftOut: readonly LeftOut[]): string {
  const failed = outcomes.filter(({ problems }) => problems.length > 0);
  const lines = [
    ...failed.flatMap(({ name, problems }) => [`\n${name}`, ...problems.map((problem) => `  ${problem}`)]),
    ...leftOut.map(({ name, leftOut: reason }) => `\n${name}\n  left out: ${reason}`),
    '',
    `${outcomes.length - failed.length} passed, ${failed.length} failed${
      leftOut.length === 0 ? '' : `, ${leftOut.length} left out`
    }`,
  ];
  return lines.join('\n');
}

export function jsonLine(outcomes: readonly Outcome[], leftOut: readonly LeftOut[]): string {
  const failed = outcomes.filter(({ problems }) => problems.length > 0).length;
  return JSON.stringify({
    passed: outcomes.length - failed,
    failed,
    leftOut: leftOut.length,
    cases: [
      ...outcomes.map(({ problems, ...rest }) => ({ ...rest, passed: problems.length === 0, problems })),
      ...leftOut,
    ],
  });
}
