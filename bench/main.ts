// Ratios to a floor that is measured in the same run; docs/benchmarks.md says how to read them.
import { readdirSync } from 'node:fs';
import { onBreakOff } from '../scripts/break-off.ts';
import { scriptOptions } from '../scripts/script-options.ts';
import type { Bench } from './support/bench.ts';
import { jsonLine, table, type Result } from './support/report.ts';
import { Scope } from './support/scope.ts';

const USAGE = `usage: npm run bench -- [--only NAME…] [--quick] [--json]

  --only NAME  only these benchmarks; docs/benchmarks.md names them all
  --quick      fewer and smaller samples: whether they work, not how fast
  --json       ends with one line of JSON

  npm run bench -- --only docker-activity --only docker-command
`;

const { values: options } = scriptOptions(USAGE, {
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
  },
});

async function cases(): Promise<Bench[]> {
  const directory = new URL('./cases/', import.meta.url);
  const names = readdirSync(directory).filter((name) => /(?<!\.d)\.[jt]s$/.test(name));
  const modules = names
    .sort()
    .map((name) => import(new URL(name, directory).href) as Promise<{ bench: Bench }>);
  return (await Promise.all(modules)).map(({ bench }) => bench);
}

function chosen(all: readonly Bench[]): readonly Bench[] {
  const { only } = options;
  const unknown = only?.filter((name) => !all.some((bench) => bench.name === name)) ?? [];
  if (unknown.length === 0) return all.filter(({ name }) => only === undefined || only.includes(name));
  process.stderr.write(
    `error: no benchmark ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}\n`,
  );
  process.exit(2);
}

/** With --json the tables are progress, and stdout ends with the one line. */
const say = (text: string): void => void process.stdout.write(`${text}\n`);

let current: Scope | undefined;
/** Broken off, it leaves nothing running either. */
const cleanUp = async (): Promise<void> => current?.[Symbol.asyncDispose]();
onBreakOff(cleanUp);
process.once('uncaughtException', (error) => {
  process.stderr.write(`bench: ${error.stack ?? error.message}\n`);
  void cleanUp().finally(() => process.exit(1));
});

async function main(): Promise<void> {
  const results: Result[] = [];
  for (const bench of chosen(await cases())) {
    const lacking = await bench.lacks?.();
    if (lacking !== undefined) {
      say(`\n${bench.name}\n  left out: ${lacking}`);
      continue;
    }
    await using scope = await Scope.open(options.quick);
    current = scope;
    const result = { bench, comparisons: await bench.run(scope.context) };
    results.push(result);
    say(table(result));
  }
  say('\nA ratio of 2 takes twice the time of its floor; 1 is as fast. Medians; times are this machine’s.');
  if (options.json) say(jsonLine(results, options.quick));
}

// A daemon's timers and idle children keep no process alive, and while a case waits there may be nothing else.
const alive = setInterval(() => undefined, 60_000);
main()
  .catch((error: unknown) => {
    process.stderr.write(
      `bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 1;
  })
  .finally(() => clearInterval(alive));
