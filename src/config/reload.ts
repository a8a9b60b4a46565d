import { canonicalJson } from '../util/canonical-json.ts';
import { deepFreeze } from '../util/deep-freeze.ts';
import { isRecord } from '../util/is-record.ts';
import { configFields } from './fields.ts';
import type { Config } from './schema.ts';

/** What a running node takes over from a configuration that is read again; the rest needs a restart. */
const LIVE = [
  'runtimes',
  'presets',
  'hardware',
  'maxAgreements',
  'allow',
  'deny',
  'schedule',
  'debitNoteIntervalMs',
  'debitNoteAcceptTimeoutMs',
  'paymentTimeoutMs',
  'idleAgreementTimeoutMs',
  'maxOutputBytes',
] as const satisfies readonly (keyof Config['provider'])[];

/** What became of a configuration that was read anew. */
export interface LiveChange {
  /** The configuration in force from now on. */
  readonly config: Config;
  /** Paths of the settings that were taken over. */
  readonly applied: readonly string[];
  /** Paths of those that differ as well. */
  readonly restartNeeded: readonly string[];
}

/** Takes over from `wanted` what can change while the daemon runs. */
export function takeOver(running: Config, wanted: Config): LiveChange {
  const live = Object.fromEntries(LIVE.map((name) => [name, wanted.provider[name]]));
  const config = deepFreeze({ ...running, provider: { ...running.provider, ...live } });
  const differing = (other: Config): string[] =>
    configFields()
      .map(({ path }) => path)
      .filter((path) => textAt(config, path) !== textAt(other, path));
  return { config, applied: differing(running), restartNeeded: differing(wanted) };
}

function textAt(config: Config, path: string): string {
  const value = path.split('.').reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), config);
  return canonicalJson(value ?? null);
}
