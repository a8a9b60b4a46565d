export { configurationPage, defaultConfigFile } from './documentation.ts';
export { clientEnvironment, secrets, type ClientEnvironment, type Environment, type Secrets } from './env.ts';
export { ConfigError, configErrors, type ConfigErrorCode, type ConfigProblem } from './errors.ts';
export { configFields, type ConfigField } from './fields.ts';
export { loadConfig, type LoadConfigInit } from './load.ts';
export { takeOver, type LiveChange } from './reload.ts';
export { configSchema, type Config, type Preset } from './schema.ts';
