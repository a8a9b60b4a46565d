// The arrows of docs/architecture.md. A folder not named here may import nothing of ours but the ground.
const features = ['market', 'activity', 'exe-unit', 'transfer', 'payment', 'task', 'provider', 'vpn'];
const ground = '^src/(interface|util)/';

/** `folder` may import itself, the ground, and `more`. */
const only = (folder, more = []) => ({
  name: `${folder.replace(/[^a-z-]/g, '')}-arrows`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: { path: '^(src|runtimes)/', pathNot: [`^${folder}/`, ground, ...more] },
});

/** Only `folders` may import the package. */
const onlyImporter = (pkg, folders) => ({
  name: `only-importer-of-${pkg.replace(/[^a-z0-9]/g, '')}`,
  severity: 'error',
  from: { path: '^(src|runtimes)/', pathNot: folders.map((folder) => `^${folder}/`) },
  to: { path: `node_modules/${pkg}/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-test-code',
      severity: 'error',
      from: { path: '^(src|runtimes)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'interface-arrows',
      severity: 'error',
      from: { path: '^src/interface/' },
      to: { path: '^(src|runtimes)/', pathNot: '^src/interface/' },
    },
    {
      name: 'util-arrows',
      severity: 'error',
      from: { path: '^src/util/' },
      to: { path: '^(src|runtimes)/', pathNot: ground },
    },
    ...['config', 'identity', 'store', 'network', 'telemetry'].map((folder) => only(`src/${folder}`)),
    ...features.filter((feature) => feature !== 'exe-unit').map((feature) => only(`src/${feature}`)),
    // The supervisor walks the activity state machine, which is pure data, and packs and unpacks archives itself.
    only('src/exe-unit', ['^src/activity/(machine|errors)\\.ts$', '^src/transfer/archive/']),
    // A WASI package may be an archive.
    only('runtimes', ['^src/transfer/archive/']),
    // What runtimes have in common is in runtimes/shared: none knows another.
    ...['docker', 'mock', 'wasi'].map((runtime) => ({
      name: `runtime-${runtime}-stands-alone`,
      severity: 'error',
      from: { path: `^runtimes/${runtime}/` },
      to: { path: '^runtimes/', pathNot: [`^runtimes/${runtime}/`, '^runtimes/(shared/|errors\\.ts$)'] },
    })),
    // The runner's sandbox shows it nothing but runtimes/wasi: another import would fail only there.
    {
      name: 'wasi-runner-arrows',
      severity: 'error',
      from: { path: '^runtimes/wasi/(runner|host)/' },
      to: { path: '^(src|runtimes)/', pathNot: '^runtimes/wasi/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'roof-api',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(api|daemon)/' },
      to: { path: '^src/api/' },
    },
    {
      name: 'roof-daemon',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(daemon|cli)/' },
      to: { path: '^src/daemon/' },
    },
    {
      name: 'roof-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^src/cli/' },
    },
    // The CLI reaches a daemon through REST; offline it may check books, make a node and run a module in the sandbox.
    {
      name: 'cli-arrows',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^src/(market|activity|exe-unit|transfer|payment|task|provider|vpn|network)/' },
    },
    onlyImporter('(level|classic-level|abstract-level)', ['src/store']),
    onlyImporter('(libp2p|@libp2p|@chainsafe|@multiformats)', ['src/network']),
    onlyImporter('dockerode', ['runtimes/docker']),
    onlyImporter('@wasmer', ['runtimes/wasi']),
    onlyImporter('(fastify|@fastify)', ['src/api']),
    onlyImporter('(commander|cli-table3|ora)', ['src/cli']),
    onlyImporter('(pino|prom-client)', ['src/telemetry']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
