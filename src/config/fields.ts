import type { TSchema } from 'typebox';
import { configSchema } from './schema.ts';

/** One setting, as documentation, the environment and the command line know it. */
export interface ConfigField {
  /** `provider.hardware.cpuThreads` */
  readonly path: string;
  /** `ERGON_PROVIDER_HARDWARE_CPU_THREADS` */
  readonly env: string;
  /** `--provider-hardware-cpu-threads` */
  readonly flag: string;
  /** `string`, `integer`, `number`, `boolean`, `list` or `JSON`, or the values that it may take. */
  readonly kind: string;
  readonly description: string;
  /** Undefined for a setting that may stay unset. */
  readonly default: unknown;
  readonly schema: TSchema;
}

/** Every setting, in the order of the schema. */
export function configFields(): ConfigField[] {
  return fieldsOf(configSchema, []);
}

function fieldsOf(schema: TSchema, path: readonly string[]): ConfigField[] {
  const members = membersOf(schema);
  if (members !== undefined)
    return Object.entries(members).flatMap(([name, member]) => fieldsOf(member, [...path, name]));
  const words = path.flatMap((part) => part.split(/(?=[A-Z])/)).map((word) => word.toLowerCase());
  return [
    {
      path: path.join('.'),
      env: `ERGON_${words.join('_').toUpperCase()}`,
      flag: `--${words.join('-')}`,
      kind: kindOf(schema),
      description: stringOf(schema, 'description') ?? '',
      default: 'default' in schema ? schema.default : undefined,
      schema,
    },
  ];
}

/** The members of a section; undefined for a setting. */
export function membersOf(schema: TSchema): Record<string, TSchema> | undefined {
  return 'properties' in schema && isMembers(schema.properties) ? schema.properties : undefined;
}

function isMembers(value: unknown): value is Record<string, TSchema> {
  return typeof value === 'object' && value !== null;
}

function kindOf(schema: TSchema): string {
  if ('anyOf' in schema && Array.isArray(schema.anyOf)) {
    return schema.anyOf
      .map((branch: object) => ('const' in branch ? String(branch.const) : '?'))
      .join(' \\| ');
  }
  const type = stringOf(schema, 'type');
  if (type !== 'array') return type === 'object' ? 'JSON' : (type ?? 'JSON');
  return 'items' in schema && isMembers(schema.items) && stringOf(schema.items, 'type') === 'string'
    ? 'list'
    : 'JSON';
}

function stringOf(schema: object, name: string): string | undefined {
  const value: unknown = Reflect.get(schema, name);
  return typeof value === 'string' ? value : undefined;
}
