import { OTHER_VARIABLES } from './env.ts';
import { configFields, type ConfigField } from './fields.ts';

/** docs/configuration.md, made from the schema. */
export function configurationPage(): string {
  return `# Configuration

Settings come from, the later winning: the defaults below, a JSON file, the environment, the command line.
The file is named by \`--config\` or \`ERGON_CONFIG\`; without either, \`<dataDir>/config.json\` is read if it exists.
[config/ergon.default.json](../config/ergon.default.json) is such a file with all defaults.
A setting that is not listed here is refused; all problems are reported at once, each with where it was set.

In the environment and on the command line a *list* is separated by commas, and *JSON* is written as in the file.
Amounts of money are decimal strings of whole tokens. The environment's name of a setting is also its flag:
\`ERGON_API_PORT\` is \`--api-port\`.

| Setting | Environment | Type | Default | Meaning |
|---|---|---|---|---|
${configFields().map(row).join('\n')}

Further variables of the environment:

| Variable | Meaning |
|---|---|
${Object.entries(OTHER_VARIABLES)
  .map(([name, meaning]) => `| \`${name}\` | ${meaning} |`)
  .join('\n')}
`;
}

function row(field: ConfigField): string {
  const value = field.default === undefined ? '' : `\`${JSON.stringify(field.default)}\``;
  return `| \`${field.path}\` | \`${field.env}\` | ${field.kind} | ${value} | ${field.description} |`;
}

/** config/ergon.default.json, made from the schema. */
export function defaultConfigFile(): string {
  const root: Record<string, unknown> = {};
  for (const { path, default: value } of configFields()) {
    if (value === undefined) continue;
    const names = path.split('.');
    const last = names.pop() ?? '';
    const section = names.reduce<Record<string, unknown>>((at, name) => sectionOf(at, name), root);
    section[last] = value;
  }
  return `${JSON.stringify(root, null, 2)}\n`;
}

function sectionOf(parent: Record<string, unknown>, name: string): Record<string, unknown> {
  const section: Record<string, unknown> = {};
  const present = parent[name];
  if (typeof present === 'object' && present !== null) Object.assign(section, present);
  parent[name] = section;
  return section;
}
