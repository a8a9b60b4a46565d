export { loadDataDir } from './data-dir.ts';
export { configurationPage, defaultConfigFile } from './documentation.ts';
export { clientEnvironment, secrets, type ClientEnvironment, type Environment, type Secrets } from './env.ts';
export {
  ConfigError,
  configErrors,
  invalid as invalidConfig,
  type ConfigErrorCode,
  type ConfigProblem,
} from './errors.ts';
export { configFields, type ConfigField } from './fields.ts';
export { loadConfig } from './load.ts';
export { takeOver, type LiveChange } from './reload.ts';
export type { Preset } from './provider-schema.ts';
export { configSchema, type Config } from './schema.ts';
export type { LoadConfigInit } from './sources.ts';
