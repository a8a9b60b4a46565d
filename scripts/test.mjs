// The test command: format, lint, types, arrows, then every test. Its last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDockerEngine } from './docker-engine.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const checksOnly = args.includes('--checks-only');
const vitestArgs = args.filter((arg) => arg !== '--checks-only');

const run = (program, programArgs) =>
  spawnSync(program, programArgs, { cwd: root, stdio: 'inherit' }).status === 0;
const tool = (path, toolArgs) => run(process.execPath, [join(root, 'node_modules', path), ...toolArgs]);

/**
 * The strongest rung of the sandbox ladder needs bubblewrap. It is installed where that is possible; elsewhere
 * the tests run on the next rung, and this says so.
 */
function systemPackages() {
  const missing = [['bwrap', 'bubblewrap']].filter(([binary]) => !onPath(binary)).map(([, name]) => name);
  if (missing.length === 0) return;
  const mayInstall = process.getuid?.() === 0 && onPath('apt-get');
  const apt = (aptArgs) =>
    spawnSync('apt-get', aptArgs, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  const install = () => apt(['install', '-y', '-qq', ...missing]);
  if (mayInstall && (install() || (apt(['update', '-qq']) && install()))) return;
  console.error(
    `NOT INSTALLED: ${missing.join(', ')}: the tests use a weaker sandbox than a provider should`,
  );
}

function onPath(binary) {
  return spawnSync('sh', ['-c', `command -v ${binary}`], { stdio: 'ignore' }).status === 0;
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
    if (unrun > 0) console.error(`${unrun} tests did not run`);
    return { passed: report.numPassedTests, failed: ok ? failed + unrun : Math.max(1, failed) };
  } catch (error) {
    console.error(`no test report: ${error.message}`);
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
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
