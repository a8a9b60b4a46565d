// The test command: format, lint, types, arrows, then every test. Its last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDockerEngine } from './docker-engine.mjs';
import { ensurePackages } from './system-packages.mjs';

/** Of each file. */
const MAX_NAMES = 3;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const checksOnly = args.includes('--checks-only');
const vitestArgs = args.filter((arg) => arg !== '--checks-only');

const run = (program, programArgs) =>
  spawnSync(program, programArgs, { cwd: root, stdio: 'inherit' }).status === 0;
const tool = (path, toolArgs) => run(process.execPath, [join(root, 'node_modules', path), ...toolArgs]);

/** What is missing makes the tests weaker, and they say so; in CI those that need it fail. */
const SYSTEM = {
  bwrap: ['bubblewrap', 'the tests use a weaker sandbox than a provider should'],
  'chromium-headless-shell': [
    'chromium-headless-shell',
    'golem-js is not tried in a browser, unless another Chromium is here',
  ],
};

function systemPackages() {
  const packages = Object.entries(SYSTEM).map(([program, [name]]) => [program, name]);
  const missing = ensurePackages(Object.fromEntries(packages));
  for (const [name, consequence] of Object.values(SYSTEM))
    if (missing.includes(name)) console.error(`NOT INSTALLED: ${name}: ${consequence}`);
}

const checks = [
  ['format', () => tool('prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.'])],
  ['types', () => tool('@typescript/native/bin/tsc', ['--noEmit', '-p', '.'])],
  ['lint', () => tool('eslint/bin/eslint.js', ['--max-warnings', '0', '.'])],
  [
    'arrows',
    () =>
      tool('dependency-cruiser/bin/dependency-cruiser.mjs', [
        'src',
        'runtimes',
        '--config',
        '.dependency-cruiser.cjs',
      ]),
  ],
];

function runTests() {
  const dir = mkdtempSync(join(tmpdir(), 'ergon-test-'));
  const outputFile = join(dir, 'result.json');
  try {
    const ok = tool('vitest/vitest.mjs', [
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${outputFile}`,
      ...vitestArgs,
    ]);
    const report = JSON.parse(readFileSync(outputFile, 'utf8'));
    const failed =
      report.numFailedTests +
      (ok ? 0 : Math.max(0, report.numFailedTestSuites > 0 && report.numFailedTests === 0 ? 1 : 0));
    const unrun = report.numPendingTests + report.numTodoTests;
    if (unrun > 0) console.error(notRun(report, unrun));
    return { passed: report.numPassedTests, failed: ok ? failed + unrun : Math.max(1, failed) };
  } catch (error) {
    console.error(`no test report: ${error.message}`);
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Said last, where nobody overlooks it; why is said where each is skipped. */
function notRun({ testResults }, count) {
  const lines = testResults.flatMap(({ name, assertionResults }) => {
    const names = assertionResults
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map(({ fullName }) => fullName);
    const more = names.length > MAX_NAMES ? [`and ${names.length - MAX_NAMES} more`] : [];
    return [...names.slice(0, MAX_NAMES), ...more].map((text) => `  ${relative(root, name)}: ${text}`);
  });
  return [`NOT RUN: ${count} tests`, ...lines].join('\n');
}

let passed = 0;
let failed = 0;
for (const [name, check] of vitestArgs.length > 0 ? [] : checks) {
  const ok = check();
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}`);
  if (ok) passed += 1;
  else failed += 1;
}
if (!checksOnly) {
  systemPackages();
  const noEngine = await ensureDockerEngine();
  if (noEngine !== undefined) console.error(`NO DOCKER ENGINE (${noEngine}): its tests are skipped`);
  const tests = runTests();
  passed += tests.passed;
  failed += tests.failed;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
