#!/usr/bin/env node
// The shebang finds whatever Node is first on the PATH, so the version is looked at before anything else is loaded.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || major === 23 || (major === 22 && minor < 13)) {
  process.stderr.write(
    `error: ergon needs Node 22.13, or 24 and newer; this is Node ${process.versions.node}\n` +
      'hint: install a newer Node (https://nodejs.org), or run `npx -y node@24 $(command -v ergon) …`\n',
  );
  process.exit(78);
}
const { runCli } = await import('./run.ts');
const { processIo } = await import('./io.ts');

// Timers of the clock keep no process alive, and what a command waits for may be one of them alone.
const alive = setInterval(() => undefined, 2 ** 30);
process.exitCode = await runCli(process.argv.slice(2), processIo());
clearInterval(alive);

export {};
