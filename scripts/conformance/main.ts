// WASI programs that others wrote, each as a task from one real daemon to another; docs/conformance.md.
import { onBreakOff } from '../break-off.ts';
import { LocalPair } from '../local-pair.ts';
import { scriptOptions } from '../script-options.ts';
import { isLeftOut, isRun, type ConformanceCase, type LeftOut } from './case.ts';
import { programCases } from './programs.ts';
import { jsonLine, progressLine, summary } from './report.ts';
import { runCase, type Outcome } from './run-case.ts';
import { testsuiteCases } from './testsuite.ts';

const USAGE = `usage: npm run conformance -- [DIRECTORY…] [--programs CACHE] [--only NAME…] [--json]

  DIRECTORY         programs in the layout of WebAssembly/wasi-testsuite
  --programs CACHE  the large programs of scripts/conformance/programs, fetched into CACHE once
  --only NAME       only these cases
  --json            progress to stderr, and one line of JSON to stdout
`;

const { values: options, positionals: directories } = scriptOptions(USAGE, {
  allowPositionals: true,
  options: {
    programs: { type: 'string' },
    only: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
  },
});

const say = (text: string): void => void (options.json ? process.stderr : process.stdout).write(`${text}\n`);

async function cases(): Promise<(ConformanceCase | LeftOut)[]> {
  const { programs, only } = options;
  const lists = await Promise.all(directories.map(testsuiteCases));
  const suites = lists.flat().filter(({ name }) => only === undefined || only.includes(name));
  return programs === undefined ? suites : [...suites, ...(await programCases(programs, only, say))];
}

async function main(): Promise<boolean> {
  const all = await cases();
  const leftOut = all.filter(isLeftOut);
  const chosen = all.filter(isRun);
  const outcomes: Outcome[] = [];
  pair = new LocalPair(...(await LocalPair.open()));
  for (const entry of chosen) {
    const outcome = await runCase(pair, entry);
    outcomes.push(outcome);
    say(progressLine(outcome, outcomes.length, chosen.length));
  }
  say(summary(outcomes, leftOut));
  if (options.json) process.stdout.write(`${jsonLine(outcomes, leftOut)}\n`);
  return outcomes.length > 0 && outcomes.every(({ problems }) => problems.length === 0);
}

let pair: LocalPair | undefined;
onBreakOff(async () => pair?.stop());

if (directories.length === 0 && options.programs === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else
  main()
    .then((passed) => void (process.exitCode = passed ? 0 : 1))
    .catch((error: unknown) => {
      process.stderr.write(`conformance: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    })
    .finally(() => pair?.stop());
