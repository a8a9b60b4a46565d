// Builds the daemon's image: lays out what it needs in dist/image/context, then `docker build`.
// Usage: npm run image [-- --base IMAGE] [--tag TAG]
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: { base: { type: 'string' }, tag: { type: 'string', default: 'ergon' } },
});

const home = join(root, 'dist', 'image');
const context = join(home, 'context');

function must(what, program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 2, 2], ...options });
  if (status === 0) return;
  console.error(`${what} failed${error === undefined ? '' : `: ${error.message}`}`);
  process.exit(1);
}

/** What Node never reads of its packages is half of them: sources, types, maps, documents, bundles for browsers. */
function prune(modules) {
  const isIdle = /\.(map|[cm]?ts|md)$|\/dist\/index\.min\.js$|\/ethers\/dist\//;
  for (const entry of readdirSync(modules, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && isIdle.test(path)) rmSync(path);
  }
}

rmSync(home, { recursive: true, force: true });
mkdirSync(join(context, 'bin'), { recursive: true });
// With this mode it becomes the volume; a parent of it is copied, since that keeps the mode.
mkdirSync(join(home, 'volume', 'data'), { recursive: true, mode: 0o700 });
for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(root, file), join(context, file));
// Under npm its own script tells where it is; else the one on the path does.
const { npm_execpath: npmScript } = process.env;
const npm = npmScript === undefined ? ['npm', []] : [process.execPath, [npmScript]];
const ci = ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
must('npm ci', npm[0], [...npm[1], ...ci], { cwd: context });
prune(join(context, 'node_modules'));
for (const folder of ['src', 'runtimes'])
  cpSync(join(root, 'dist', folder), join(context, 'dist', folder), {
    recursive: true,
    filter: (path) => !path.endsWith('.map'),
  });
copyFileSync(join(root, 'scripts', 'healthcheck.mjs'), join(context, 'healthcheck.mjs'));
for (const [name, main] of [
  ['ergon', 'main.js'],
  ['gftp', 'gftp/main.js'],
]) {
  const path = join(context, 'bin', name);
  writeFileSync(path, `#!/bin/sh\nexec node /opt/ergon/dist/src/cli/${main} "$@"\n`);
  chmodSync(path, 0o755);
}
copyFileSync(join(root, 'Dockerfile'), join(home, 'Dockerfile'));
const base = values.base === undefined ? [] : ['--build-arg', `BASE_IMAGE=${values.base}`];
must('docker build', 'docker', ['build', '-t', values.tag, ...base, home], {
  env: { ...process.env, DOCKER_BUILDKIT: '0' },
});
console.error(`built ${values.tag}; try: docker run --rm ${values.tag} --help`);
