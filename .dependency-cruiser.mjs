// The layer tables of docs/architecture.md as rules. `npm run check:layers` applies them, counts what it saw, and
// proves on the planted violations of test/layers/fixtures that they bite. Cycles are looked for there as well.
import { readdirSync, readFileSync } from 'node:fs'

// Tests, and what stands beside a package's sources for its developers: none of it is published.
const TESTS = '(\\.(test|test-d)\\.ts$|/test-support/|^packages/[^/]+/(bench|scripts)/)'

/** Folder of packages/streams/src -> folders it may import. */
const STREAMS_LAYERS = {
  core: [],
  topology: ['core'],
  dsl: ['topology', 'core'],
  ports: ['core'],
  state: ['ports', 'core'],
  runtime: ['topology', 'state', 'ports', 'core']
}

/** Files that one layer may take from another although the table says no, each for a reason. */
const STREAMS_EXCEPTIONS = {
  // What a store is called and how long it keeps its rows is written in the topology; a store is built from that.
  state: ['topology/(store-spec|index)\\.ts$']
}

/** Package -> what it may import of ours, and of others. `*`: every public entry point. */
const PACKAGES = {
  protocol: {
    ours: [],
    others: ['^(fflate|snappy|snappyjs|lz4js|lz4-napi|@mongodb-js/zstd|zstd|@node-rs/crc32|fast-crc32c)']
  },
  streams: { ours: [], others: [] },
  broker: { ours: ['protocol/src/index', 'streams/src/(ports|core)/index'], others: [] },
  client: { ours: ['protocol/src/index', 'streams/src/(ports|core)/index'], others: [] },
  'transport-kafkajs': { ours: ['client/src/index', 'streams/src/(ports|core)/index'], others: ['^kafkajs'] },
  'store-level': { ours: ['streams/src/(ports|core)/index'], others: ['^(level|classic-level|abstract-level)'] },
  rxjs: { ours: ['streams/src/index', 'streams/src/(core|ports|runtime)/index'], others: ['^rxjs'] },
  'serde-avro': { ours: ['streams/src/(ports|core)/index'], others: ['^avsc'] },
  testing: { ours: ['*'], others: ['^vitest'] },
  cli: { ours: ['*'], others: [] },
  millrace: { ours: ['*'], others: [] }
}

const entryFiles = () =>
  readdirSync(new URL('./packages/', import.meta.url)).flatMap(folder => {
    const manifest = JSON.parse(readFileSync(new URL(`./packages/${folder}/package.json`, import.meta.url), 'utf8'))
    return Object.values(manifest.exports).map(entry => `^packages/${folder}/${entry['millrace-source'].slice(2)}$`)
  })

const layerRules = Object.entries(STREAMS_LAYERS).map(([layer, allowed]) => ({
  name: `streams-${layer}`,
  comment: `streams/src/${layer} may import ${allowed.length === 0 ? 'nothing' : allowed.join(', ')}.`,
  severity: 'error',
  from: { path: `^packages/streams/src/${layer}/`, pathNot: TESTS },
  to: {
    path: '^packages/streams/src/',
    pathNot: [
      ...[layer, ...allowed].map(folder => `^packages/streams/src/${folder}/`),
      ...(STREAMS_EXCEPTIONS[layer] ?? []).map(file => `^packages/streams/src/${file}`)
    ]
  }
}))

const packageRules = Object.entries(PACKAGES).flatMap(([name, { ours, others }]) => [
  {
    name: `package-${name}`,
    comment: `packages/${name} may import of ours: ${ours.join(', ') || 'nothing'}.`,
    severity: 'error',
    from: { path: `^packages/${name}/`, pathNot: TESTS },
    to: {
      path: '^packages/',
      pathNot: [
        `^packages/${name}/`,
        ...(ours.includes('*') ? entryFiles() : ours.map(entry => `^packages/${entry}\\.ts$`))
      ]
    }
  },
  {
    name: `third-party-of-${name}`,
    comment: `packages/${name} may import of others: ${others.join(', ') || 'nothing'}.`,
    severity: 'error',
    from: { path: `^packages/${name}/`, pathNot: TESTS },
    to: { path: 'node_modules/', pathNot: others.map(other => other.replace('^', 'node_modules/')) }
  }
])

export default {
  forbidden: [
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere cannot be judged by any other rule.',
      severity: 'error',
      // The rival of the benchmark is installed in a folder of its own, when it is asked for.
      from: { pathNot: '^test/bench/kafkats/' },
      to: { couldNotResolve: true }
    },
    {
      name: 'core-without-node',
      comment: 'The vocabulary of streams runs wherever JavaScript runs; what needs Node is an adapter.',
      severity: 'error',
      from: { path: '^packages/streams/src/(core|topology|dsl|ports)/', pathNot: TESTS },
      to: { dependencyTypes: ['core'] }
    },
    {
      name: 'public-entries-only',
      comment: 'Examples and tests that need more than one package see what users see.',
      severity: 'error',
      from: { path: ['^examples/', '^test/', '^scripts/'] },
      to: { path: '^packages/', pathNot: entryFiles() }
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { pathNot: TESTS },
      to: { path: TESTS }
    },
    {
      name: 'packages-stand-alone',
      comment: 'A package is published without the workspace around it.',
      severity: 'error',
      from: { path: '^packages/', pathNot: TESTS },
      to: { path: ['^scripts/', '^test/', '^examples/'] }
    },
    ...layerRules,
    ...packageRules
  ],
  options: {
    // TypeScript 7 has no compiler API for dependency-cruiser: without swc it reads no .ts file and finds nothing.
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/(dist|\\.cache)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['millrace-source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.d.ts']
    }
  }
}
