import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { cliErrors } from '../../../src/cli/errors.ts';
import { EXIT_STATUS } from '../../../src/cli/exit-status.ts';
import { program } from '../../../src/cli/program.ts';
import { TOP_LEVEL } from '../../../src/cli/top-level.ts';
import { terminal } from './support/terminal.ts';

async function leaves(): Promise<[string, Command][]> {
  const { io } = terminal();
  const names = TOP_LEVEL.map(({ name }) => name);
  const root = await program(names, io, () => undefined);
  const walk = (command: Command, path: string): [string, Command][] =>
    command.commands.length === 0
      ? [[path, command]]
      : command.commands.flatMap((child) => walk(child, `${path} ${child.name()}`.trim()));
  return walk(root, '');
}

describe('--help', () => {
  test('lists every command', async () => {
    const screen = terminal();
    expect(await screen.run('--help')).toBe(0);
    for (const { name, summary } of TOP_LEVEL) {
      expect(screen.stdout.text).toContain(name);
      expect(screen.stdout.text.replaceAll(/\s+/g, ' ')).toContain(summary);
    }
  });

  test('of every command has a summary, examples, --json and the way to the daemon', async () => {
    const all = await leaves();
    expect(all.length).toBeGreaterThan(30);
    for (const [path] of all) {
      const screen = terminal();
      expect(await screen.run(...path.split(' '), '--help'), path).toBe(0);
      expect(screen.stdout.text, path).toContain('Examples:\n  $ ergon ' + path);
      expect(screen.stdout.text, path).toMatch(/--json/);
      expect(screen.stdout.text, path).toMatch(/--url/);
    }
  });

  test('fits the terminal', async () => {
    const screen = terminal({ columns: 80 });
    await screen.run('task', 'submit', '--help');
    const options = screen.stdout.text.split('Examples:')[0] ?? '';
    expect(Math.max(...options.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });
});

describe('wrong command lines', () => {
  test.each([
    [['nope']],
    [['task', 'nope']],
    [['task', 'show']],
    [['task', 'list', '--colour']],
    [['task', 'list', '--limit', 'x']],
  ])('%j is a usage error on stderr', async (argv) => {
    const screen = terminal();
    expect(await screen.run(...argv)).toBe(EXIT_STATUS.usage);
    expect(screen.stdout.text).toBe('');
    expect(screen.stderr.text).toMatch(/^error: /);
  });
});

describe('docs/cli.md', () => {
  test('names every command and every exit status', async () => {
    const page = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
    for (const [path] of await leaves()) expect(page, path).toContain(`ergon ${path}`);
    for (const [name, status] of Object.entries(EXIT_STATUS))
      expect(page, name).toMatch(new RegExp(`^\\| ${status} +\\|`, 'm'));
    for (const code of Object.keys(cliErrors)) expect(page, code).toContain(code);
  });
});
