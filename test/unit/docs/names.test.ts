import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { CATALOGUES } from '../../../scripts/error-page.ts';
import { processIo } from '../../../src/cli/io.ts';
import { program } from '../../../src/cli/program.ts';
import { TOP_LEVEL } from '../../../src/cli/top-level.ts';
import { OTHER_VARIABLES } from '../../../src/config/env.ts';
import { configFields } from '../../../src/config/index.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const pages = ['README.md', ...readdirSync(`${root}/docs`).map((name) => `docs/${name}`)];

/** What the pattern's first group finds in the pages, each with where it was found. */
function named(pattern: RegExp): Map<string, string> {
  const found = new Map<string, string>();
  for (const page of pages)
    for (const [, name] of readFileSync(`${root}/${page}`, 'utf8').matchAll(pattern))
      if (name !== undefined) found.set(name, page);
  return found;
}

/** Those that are not known, with their pages. */
const unknown = (found: Map<string, string>, isKnown: (name: string) => boolean): string[] =>
  [...found].filter(([name]) => !isKnown(name)).map(([name, page]) => `${page}: ${name}`);

describe('README and docs name', () => {
  const settings = configFields().map(({ path }) => path);

  it('settings that there are', () => {
    const sections = new Set(settings.map((path) => path.split('.')[0] ?? ''));
    const isKnown = (name: string): boolean =>
      name.endsWith('.json') ||
      !sections.has(name.split('.')[0] ?? '') ||
      settings.some((path) => path === name || path.startsWith(`${name}.`));
    const found = named(/`([a-z]+(?:\.[A-Za-z]+)+)(?=[`:])/g);
    expect(found.size).toBeGreaterThan(100);
    expect(unknown(found, isKnown)).toEqual([]);
  });

  it('variables of the environment that are read', () => {
    const known = new Set([...configFields().map(({ env }) => env), ...Object.keys(OTHER_VARIABLES)]);
    // The image of compose.yaml, and one that guests read.
    for (const other of ['ERGON_IMAGE', 'ERGON_RANDOM_SEED']) known.add(other);
    expect(unknown(named(/\b(ERGON_[A-Z_]+)\b/g), (name) => known.has(name))).toEqual([]);
  });

  it('error codes that there are', () => {
    const known = new Set(Object.values(CATALOGUES).flatMap((catalogue) => Object.keys(catalogue)));
    expect(unknown(named(/\b(ERR_[A-Z0-9_]+)\b/g), (name) => known.has(name))).toEqual([]);
  });

  it('files that there are', () => {
    const paths = named(/(?<![\w/.@-])((?:src|runtimes|test|scripts|bench|docs)\/[\w./-]*[\w/])/g);
    expect(paths.size).toBeGreaterThan(20);
    expect(unknown(paths, (path) => existsSync(join(root, path)))).toEqual([]);
    const links = named(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g);
    const isLinked = (page: string, link: string): boolean => existsSync(join(root, dirname(page), link));
    expect([...links].filter(([link, page]) => !isLinked(page, link))).toEqual([]);
  });

  it('scripts of npm that there are', () => {
    const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { scripts: object };
    const found = named(/\bnpm run ([a-z][\w:-]*)/g);
    expect(found.size).toBeGreaterThan(0);
    expect(unknown(found, (name) => Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('commands that there are', async () => {
    const words = TOP_LEVEL.map(({ name }) => name);
    const cli = await program(words, processIo(), () => undefined);
    const isKnown = (line: string): boolean => {
      const [word = '', next = ''] = line.split(' ');
      const command = childOf(cli, word);
      if (command === undefined) return false;
      return command.commands.length === 0 || next === '' || childOf(command, next) !== undefined;
    };
    const found = named(/(?:`|^|\$ |exec \S+ )ergon ([a-z][a-z-]*(?: [a-z][a-z-]*)?)(?![^\s`,.)|])/gm);
    expect(found.size).toBeGreaterThan(30);
    expect(unknown(found, isKnown)).toEqual([]);
  });
});

function childOf(command: Command, name: string): Command | undefined {
  return command.commands.find((child) => child.name() === name);
}
