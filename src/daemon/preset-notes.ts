import type { Config } from '../config/index.ts';
import type { RuntimeReport } from '../exe-unit/index.ts';
import { COUNTER, PROPERTY, type PresetNote, type Properties } from '../interface/index.ts';

export type Preset = Config['provider']['presets'][number];

/** The facts about a runtime that decide which presets it can serve. */
export interface RuntimeFacts {
  readonly name: string;
  readonly available: boolean;
  readonly counters: readonly string[];
  readonly properties: Properties;
}

/** What a preset is checked against. */
export function factsOf({ descriptor, fingerprint }: RuntimeReport): RuntimeFacts {
  const { available, properties } = fingerprint;
  return { name: descriptor.name, available, counters: countersOf(descriptor), properties };
}

/** Counters that a preset may put a price on: those that every runtime has, and those of its own. */
export function countersOf({ counters }: Pick<RuntimeReport['descriptor'], 'counters'>): string[] {
  return [...Object.keys(counters), ...Object.values<string>(COUNTER)];
}

/** Why nothing is offered of a preset; undefined when something is. */
export function whyWithheld(
  { runtime, pricing }: Preset,
  facts: RuntimeFacts | undefined,
): string | undefined {
  if (facts?.available !== true)
    return `its runtime ${runtime} cannot run on this machine (\`ergon doctor\` says why)`;
  const unknown = Object.keys(pricing.perCounter).filter((counter) => !facts.counters.includes(counter));
  if (unknown.length === 0) return undefined;
  return `it has a price for what ${runtime} does not count: ${unknown.join(', ')}; it counts ${facts.counters.join(', ')}`;
}

/** Notes on the presets that are not on offer, or only in part. */
export function presetNotes(
  { provider }: Pick<Config, 'provider'>,
  runtimes: readonly RuntimeFacts[],
): PresetNote[] {
  return provider.presets.flatMap((preset) => {
    const facts = runtimes.find(({ name }) => name === preset.runtime);
    const why = whyWithheld(preset, facts);
    if (why !== undefined) return [{ preset: preset.name, note: `not offered: ${why}` }];
    if (preset.network !== true || facts?.properties[PROPERTY.network] === true) return [];
    const note = `offered without a network: there is none to grant (\`runtimes.${preset.runtime}.network\`; \`ergon doctor\`)`;
    return [{ preset: preset.name, note }];
  });
}
