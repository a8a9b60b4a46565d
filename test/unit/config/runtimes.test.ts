import type { TSchema } from 'typebox';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/index.ts';
import { membersOf } from '../../../src/config/fields.ts';
import { runtimesSchema } from '../../../src/config/runtimes-schema.ts';
import { Options as DockerOptions, settingsOf } from '../../../runtimes/docker/options.ts';
import { Options as WasiOptions } from '../../../runtimes/wasi/options.ts';

/** What a member allows, without what is said about it. */
function bounds(schema: TSchema): unknown {
  return JSON.parse(
    JSON.stringify(schema, (key, value: unknown) =>
      key === 'description' || key === 'default' || key === 'additionalProperties' ? undefined : value,
    ),
  );
}

describe.each([
  ['docker', DockerOptions],
  ['wasi', WasiOptions],
] as const)('the options of %s', (name, options) => {
  const section = membersOf(runtimesSchema.properties[name]) ?? {};
  const own = membersOf(options) ?? {};

  it('are the same, within the same bounds, in the configuration and in the runtime', () => {
    expect(Object.keys(section).sort()).toEqual(Object.keys(own).sort());
    for (const [option, schema] of Object.entries(own)) {
      expect(bounds(section[option]!), option).toEqual(bounds(schema));
    }
  });
});

describe('what a node hands its runtimes', () => {
  it('is what they would take by themselves, unless somebody says otherwise', () => {
    expect(settingsOf(loadConfig({ env: {} }).runtimes.docker)).toEqual(settingsOf({}));
    const config = loadConfig({
      env: {
        ERGON_RUNTIMES_DOCKER_ENGINE_RUNTIME: 'runsc',
        ERGON_RUNTIMES_DOCKER_REGISTRIES: 'docker.io,registry.example:5000',
        ERGON_RUNTIMES_DOCKER_HOST_PATHS: '{"/data":"/srv/ergon"}',
      },
    });
    expect(settingsOf(config.runtimes.docker)).toMatchObject({
      engineRuntime: 'runsc',
      registries: ['docker.io', 'registry.example:5000'],
      hostPaths: { '/data': '/srv/ergon' },
    });
  });

  it('is never the host’s own network, nor root', () => {
    const load = (env: Record<string, string>): unknown => loadConfig({ env });
    expect(() => load({ ERGON_RUNTIMES_DOCKER_NETWORK: 'host' })).toThrow(/runtimes.docker.network/);
    expect(() => load({ ERGON_RUNTIMES_DOCKER_USER: '0:0' })).toThrow(/runtimes.docker.user/);
    expect(load({ ERGON_RUNTIMES_DOCKER_NETWORK: 'hosted' })).toHaveProperty('runtimes.docker.network');
  });
});
