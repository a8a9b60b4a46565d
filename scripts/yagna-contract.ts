import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isRecord } from '../src/util/is-record.ts';

/** A JSON schema, or a part of one. */
export type Schema = { readonly [key: string]: unknown };

/** What Yagna's specifications say of answers, without their prose. */
export interface YagnaContract {
  /** `GET /market-api/v1/…` → status (or `default`) → its JSON body; null when it has none. */
  readonly routes: Readonly<Record<string, Readonly<Record<string, Schema | null>>>>;
  readonly schemas: Readonly<Record<string, Schema>>;
}

/** Files of specifications, and the server that their paths are under. */
const AREAS = [
  ['market-api', '/market-api/v1'],
  ['activity-api', '/activity-api/v1'],
  ['payment-api', '/payment-api/v1'],
  ['net-api-v2', '/net-api/v2'],
  ['identity-api', ''],
  ['version-api', ''],
] as const;
const METHODS = ['get', 'post', 'put', 'delete'] as const;
/** What a schema says that is not prose. */
const FACTS = [
  'type',
  'required',
  'enum',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'uniqueItems',
  'additionalProperties',
];
/** Formats that can be told from a text; the others only say how a number is held. */
const FORMATS = ['date-time', 'byte'];

/** Under this name schemas refer to each other. */
export const CONTRACT_ID = 'yagna';

const objectOf = (value: unknown): Schema => (isRecord(value) ? value : {});

/** Reads the specifications in `folder` and keeps what can be held against an answer. */
export function condense(folder: string): YagnaContract {
  return new Condenser(folder).contract();
}

class Condenser {
  readonly #folder: string;
  readonly #files = new Map<string, Schema>();
  readonly #schemas: Record<string, Schema> = {};

  constructor(folder: string) {
    this.#folder = folder;
  }

  contract(): YagnaContract {
    const routes: Record<string, Record<string, Schema | null>> = {};
    for (const [area, server] of AREAS) {
      const file = `yagna-${area}.yaml`;
      for (const [path, operations] of Object.entries(objectOf(this.#read(file)['paths']))) {
        for (const method of METHODS) {
          const operation = objectOf(operations)[method];
          if (operation !== undefined)
            routes[`${method.toUpperCase()} ${server}${path}`] = this.#answers(file, objectOf(operation));
        }
      }
    }
    return { routes, schemas: this.#schemas };
  }

  #read(file: string): Schema {
    const known = this.#files.get(file);
    if (known !== undefined) return known;
    // Some of them end a quoted text further left than it began, where YAML does not allow it.
    const text = readFileSync(join(this.#folder, file), 'utf8').replace(/^ *'$/gm, "                '");
    const document = objectOf(parse(text));
    this.#files.set(file, document);
    return document;
  }

  #answers(file: string, { responses }: Schema): Record<string, Schema | null> {
    const found = Object.entries(objectOf(responses)).map(([status, response]) => {
      const [from, body] = this.#follow(file, objectOf(response));
      const json = objectOf(objectOf(body['content'])['application/json']);
      return [status, isRecord(json['schema']) ? this.#schema(from, json['schema']) : null] as const;
    });
    return Object.fromEntries(found);
  }

  /** What a reference stands for, and the file that it stands in. */
  #follow(file: string, given: Schema): [file: string, found: Schema] {
    const ref = given['$ref'];
    if (typeof ref !== 'string') return [file, given];
    const [name = '', pointer = ''] = ref.split('#');
    const from = name === '' ? file : `yagna-${name}`;
    let found: unknown = this.#read(from);
    for (const key of pointer.split('/').slice(1)) found = objectOf(found)[key];
    if (!isRecord(found)) throw new Error(`${file}: ${ref} leads nowhere`);
    return this.#follow(from, found);
  }

  #schema(file: string, given: Schema): Schema {
    const ref = given['$ref'];
    return typeof ref === 'string' ? this.#reference(file, ref) : this.#facts(file, given);
  }

  /** One that is told apart by a property refers to the kinds that the file has of it, as OpenAPI means it. */
  #reference(file: string, ref: string): Schema {
    const [from, target] = this.#follow(file, { $ref: ref });
    const name = ref.replace(/^.*\//, '');
    const kinds = this.#kindsOf(from, name);
    const id = nameOf(from, name, kinds.length > 0);
    if (this.#schemas[id] === undefined) {
      this.#schemas[id] = {};
      this.#schemas[id] = kinds.length > 0 ? this.#oneOfKinds(from, name, kinds) : this.#facts(from, target);
    }
    return { $ref: `${CONTRACT_ID}#/schemas/${id}` };
  }

  #oneOfKinds(file: string, base: string, kinds: readonly string[]): Schema {
    const property = this.#discriminatorOf(file, base) ?? '';
    const isKind = (kind: string): Schema => ({
      required: [property],
      properties: { [property]: { const: kind } },
    });
    return {
      oneOf: kinds.map((kind) => ({ allOf: [isKind(kind), ...this.#inherited(file, kind)] })),
    };
  }

  /** A schema with all that it inherits, written out. */
  #inherited(file: string, name: string): Schema[] {
    const schema = this.#named(file, name);
    const parts = Array.isArray(schema['allOf']) ? schema['allOf'].map(objectOf) : [schema];
    return parts.flatMap((part) => {
      const parent = parentName(part);
      return parent !== undefined && this.#discriminatorOf(file, parent) !== undefined
        ? this.#inherited(file, parent)
        : [this.#schema(file, part)];
    });
  }

  /** The schemas that extend this one and are extended by none, where a property tells them apart. */
  #kindsOf(file: string, base: string): string[] {
    if (this.#discriminatorOf(file, base) === undefined) return [];
    const schemas = objectOf(objectOf(this.#read(file)['components'])['schemas']);
    const childrenOf = (parent: string): string[] =>
      Object.entries(schemas).flatMap(([name, schema]) => {
        const parts = objectOf(schema)['allOf'];
        return Array.isArray(parts) && parts.some((part) => parentName(objectOf(part)) === parent)
          ? [name]
          : [];
      });
    const leaves = (parent: string): string[] =>
      childrenOf(parent).flatMap((child) => (childrenOf(child).length > 0 ? leaves(child) : [child]));
    return leaves(base);
  }

  #discriminatorOf(file: string, name: string): string | undefined {
    const schema = this.#named(file, name);
    const parts = [schema, ...(Array.isArray(schema['allOf']) ? schema['allOf'].map(objectOf) : [])];
    for (const part of parts) {
      const property = objectOf(part['discriminator'])['propertyName'];
      if (typeof property === 'string') return property;
    }
    return undefined;
  }

  #named(file: string, name: string): Schema {
    return objectOf(objectOf(objectOf(this.#read(file)['components'])['schemas'])[name]);
  }

  #facts(file: string, given: Schema): Schema {
    const facts: Record<string, unknown> = {};
    // Else a text would be one, too.
    if (isRecord(given['properties'])) facts['type'] = 'object';
    for (const key of FACTS) if (given[key] !== undefined) facts[key] = given[key];
    if (typeof given['format'] === 'string' && FORMATS.includes(given['format']))
      facts['format'] = given['format'];
    for (const key of ['allOf', 'oneOf', 'anyOf']) {
      const parts = given[key];
      if (Array.isArray(parts)) facts[key] = parts.map((part) => this.#schema(file, objectOf(part)));
    }
    if (isRecord(given['items'])) facts['items'] = this.#schema(file, given['items']);
    if (isRecord(given['additionalProperties']))
      facts['additionalProperties'] = this.#schema(file, given['additionalProperties']);
    if (isRecord(given['properties']))
      facts['properties'] = Object.fromEntries(
        Object.entries(given['properties']).map(([key, value]) => [key, this.#schema(file, objectOf(value))]),
      );
    return given['nullable'] === true ? orNull(facts) : facts;
  }
}

function nameOf(file: string, name: string, isKinds: boolean): string {
  const area = file.replace(/^yagna-|(-api.*)?\.yaml$/g, '');
  return `${area}.${name}${isKinds ? '.kinds' : ''}`;
}

function parentName(part: Schema): string | undefined {
  const ref = part['$ref'];
  return typeof ref === 'string' && ref.startsWith('#') ? ref.replace(/^.*\//, '') : undefined;
}

function orNull(facts: Schema): Schema {
  const values: unknown = facts['enum'];
  return {
    ...facts,
    type: [facts['type'], 'null'],
    ...(Array.isArray(values) && { enum: [...(values as unknown[]), null] }),
  };
}
