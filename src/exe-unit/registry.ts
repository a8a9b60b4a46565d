import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Type, type Static } from 'typebox';
import type { Clock } from '../interface/clock.ts';
import type {
  ExeUnitRuntime,
  Fingerprint,
  RuntimeDescriptor,
  RuntimeModule,
  RuntimeSupports,
} from '../interface/exe-unit-runtime.ts';
import type { Logger } from '../interface/logger.ts';
import { CounterName, Properties, RuntimeName } from '../interface/values.ts';
import { checker } from '../util/check.ts';
import { hasCode } from '../util/error-code.ts';
import { errorMessage } from '../util/error-message.ts';
import { readIfThere } from '../util/files.ts';
import { isRecord } from '../util/is-record.ts';
import { ExeUnitError } from './errors.ts';

const closed = { additionalProperties: false } as const;
const ShortText = Type.String({ minLength: 1, maxLength: 1024 });

const Descriptor = Type.Object(
  {
    name: RuntimeName,
    version: Type.String({ pattern: '^[0-9]+\\.[0-9]+\\.[0-9]+[0-9A-Za-z.+-]*$', maxLength: 64 }),
    description: ShortText,
    main: Type.String({ pattern: '^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$', maxLength: 256 }),
    capabilities: Type.Array(Type.String({ pattern: '^[a-z0-9._-]{1,64}$' }), { maxItems: 64 }),
    counters: Type.Record(CounterName, Type.Object({ unit: ShortText, description: ShortText }, closed), {
      maxProperties: 16,
    }),
    properties: Properties,
  },
  closed,
);
const checkDescriptor: (value: unknown) => Static<typeof Descriptor> = checker(Descriptor, 'descriptor.json');

/** The directory beside the code, in the sources and in what is built of them. */
const DEFAULT_RUNTIME_ROOT = fileURLToPath(new URL('../../runtimes', import.meta.url));
const CODE_EXTENSION = extname(import.meta.url);

export interface RuntimeRegistryInit {
  /** Directories with a directory for each runtime; of two with one name the first counts. */
  readonly runtimeRoots?: readonly string[];
  /** Each runtime's own options, by its name. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface RuntimeRegistryComponents {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A runtime as it may be offered. */
export interface RuntimeReport {
  readonly descriptor: RuntimeDescriptor;
  readonly supports: RuntimeSupports;
  readonly fingerprint: Fingerprint;
}

/** The runtimes that this node has. */
export interface RuntimeRegistry {
  /** What another process needs to make the same registry. */
  readonly settings: Required<RuntimeRegistryInit>;
  readonly descriptors: readonly RuntimeDescriptor[];
  /** The runtime's object, made on first use. @throws ExeUnitError ERR_EXE_UNIT_RUNTIME_UNKNOWN, ERR_EXE_UNIT_DESCRIPTOR */
  load(name: string): Promise<ExeUnitRuntime>;
  /** What this machine can do with each; one that cannot be loaded is logged and left out. */
  reports(): Promise<RuntimeReport[]>;
  /** The same anew of those that stand on a service which comes and goes; of the others, as it was. */
  renew(reports: readonly RuntimeReport[]): Promise<RuntimeReport[]>;
}

interface Found {
  readonly descriptor: RuntimeDescriptor;
  readonly directory: string;
}

/** Reads all descriptors; loads no code yet. @throws ExeUnitError ERR_EXE_UNIT_DESCRIPTOR */
export async function runtimeRegistry(
  init: RuntimeRegistryInit,
  components: RuntimeRegistryComponents,
): Promise<RuntimeRegistry> {
  const settings = { runtimeRoots: init.runtimeRoots ?? [DEFAULT_RUNTIME_ROOT], options: init.options ?? {} };
  const found = new Map<string, Found>();
  for (const root of settings.runtimeRoots) {
    for (const runtime of await readRoot(root)) {
      if (!found.has(runtime.descriptor.name)) found.set(runtime.descriptor.name, runtime);
    }
  }
  const loaded = new Map<string, Promise<ExeUnitRuntime>>();

  const load = (name: string): Promise<ExeUnitRuntime> => {
    const known = loaded.get(name);
    if (known !== undefined) return known;
    const loading = instantiate(name, found, settings.options[name], components);
    loaded.set(name, loading);
    loading.catch(() => loaded.delete(name));
    return loading;
  };

  const reportOf = async (name: string): Promise<RuntimeReport[]> => {
    try {
      const runtime = await load(name);
      return [
        {
          descriptor: runtime.descriptor,
          supports: runtime.supports,
          fingerprint: await runtime.fingerprint(),
        },
      ];
    } catch (error) {
      components.logger.warn({ runtime: name, error: String(error) }, 'runtime cannot be used');
      return [];
    }
  };

  return {
    settings,
    descriptors: [...found.values()].map(({ descriptor }) => descriptor),
    load,
    reports: async () => (await Promise.all([...found.keys()].map(reportOf))).flat(),
    async renew(reports) {
      const renewed = reports.map(async (report) => {
        const runtime = await load(report.descriptor.name);
        return runtime.needsService === true
          ? { ...report, fingerprint: await runtime.fingerprint() }
          : report;
      });
      return Promise.all(renewed);
    },
  };
}

async function readRoot(root: string): Promise<Found[]> {
  const runtimes: Found[] = [];
  for (const name of await namesIn(root)) {
    const directory = join(root, name);
    const text = await readIfThere(join(directory, 'descriptor.json'));
    if (text !== undefined) runtimes.push({ directory, descriptor: parseDescriptor(directory, text) });
  }
  return runtimes;
}

async function namesIn(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

function parseDescriptor(directory: string, text: string): RuntimeDescriptor {
  try {
    return checkDescriptor(JSON.parse(text));
  } catch (cause) {
    const message = errorMessage(cause);
    throw new ExeUnitError(
      'ERR_EXE_UNIT_DESCRIPTOR',
      `${join(directory, 'descriptor.json')}: ${message}`,
      { directory },
      { cause },
    );
  }
}

async function instantiate(
  name: string,
  all: ReadonlyMap<string, Found>,
  options: unknown,
  components: RuntimeRegistryComponents,
): Promise<ExeUnitRuntime> {
  const found = all.get(name);
  if (found === undefined) {
    const message = `There is no runtime ${name}; there are ${[...all.keys()].join(', ')}`;
    throw new ExeUnitError('ERR_EXE_UNIT_RUNTIME_UNKNOWN', message, { name });
  }
  const file = join(found.directory, `${found.descriptor.main}${CODE_EXTENSION}`);
  await readFile(file).catch((cause: unknown) => {
    throw new ExeUnitError(
      'ERR_EXE_UNIT_DESCRIPTOR',
      `the runtime ${name} has no module ${file}`,
      { name, file },
      { cause },
    );
  });
  const module: unknown = await import(pathToFileURL(file).href);
  if (!isRuntimeModule(module)) {
    throw new ExeUnitError('ERR_EXE_UNIT_DESCRIPTOR', `${file} exports no function createRuntime`, {
      name,
      file,
    });
  }
  const logger = components.logger.child({ runtime: name });
  return module.createRuntime(isRecord(options) ? options : {}, {
    ...components,
    logger,
    descriptor: found.descriptor,
  });
}

function isRuntimeModule(module: unknown): module is RuntimeModule {
  return (
    typeof module === 'object' &&
    module !== null &&
    'createRuntime' in module &&
    typeof module.createRuntime === 'function'
  );
}
