import { problems } from '../util/check.ts';
import { isRecord } from '../util/is-record.ts';
import { invalid } from './errors.ts';
import { configSchema, DEFAULT_DATA_DIR } from './schema.ts';
import { absolutePath, namedFile, readConfigFile, type LoadConfigInit } from './sources.ts';

/**
 * The data directory alone, for whoever only looks for what is in it: nothing else has to be right, so that a node can
 * still be asked and paused when its configuration was broken meanwhile. As in `loadConfig`: flag, environment, file.
 * @throws ConfigError
 */
export function loadDataDir(init: LoadConfigInit = {}): string {
  const { env = process.env, argvFlags = {} } = init;
  const { dataDir } = configSchema.properties;
  const value = argvFlags['dataDir'] ?? env['ERGON_DATA_DIR'] ?? inFile(init) ?? DEFAULT_DATA_DIR;
  const found = problems(dataDir, value);
  if (typeof value === 'string' && found.length === 0) return absolutePath(value);
  throw invalid(
    found.map(({ expected, got }) => ({
      path: 'dataDir',
      source: 'flag, environment or file',
      message: `${expected}, got ${got}`,
    })),
  );
}

/** A file that nobody has named lies in the data directory itself: when it cannot be read, that is where it is. */
function inFile(init: LoadConfigInit): unknown {
  try {
    const content = readConfigFile(init)?.content;
    return isRecord(content) ? content['dataDir'] : undefined;
  } catch (error) {
    if (namedFile(init) !== undefined) throw error;
    return undefined;
  }
}
