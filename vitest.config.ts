import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BROKER_VERSION, KAFKA_VERSION } from './scripts/kafka-jars.ts'

/** In the clone, packages resolve to their TypeScript sources: in Vite, in Node, and in the processes that tests start. */
const SOURCE_CONDITION = 'millrace-source'
process.env.NODE_OPTIONS = nodeOptionsWith(`--conditions=${SOURCE_CONDITION}`)

const NOT_TESTS = ['**/node_modules/**', '**/dist/**', '**/.cache/**']
const SOURCES = { resolve: { conditions: [SOURCE_CONDITION] }, ssr: { resolve: { conditions: [SOURCE_CONDITION] } } }

/** kafkajs 2.2.4 sets timers that are due in the past, which is harmless. */
const NODE_OPTIONS = ['--disable-warning=TimeoutNegativeWarning']

/** Tests that need a broker: they run on Apache Kafka, and on the embedded broker. */
const INTEGRATION = [
  'packages/*/src/**/*.kafka.test.ts',
  'examples/**/*.kafka.test.ts',
  'scripts/**/*.kafka.test.ts',
  'test/**/*.kafka.test.ts'
]
/** Those of `npm test`: examples, exactly once, members that come and go, brokers that do. */
const QUICK_INTEGRATION = [
  'examples/*/{app,main}.kafka.test.ts',
  'packages/client/src/admin/*.kafka.test.ts',
  'packages/transport-kafkajs/src/*.kafka.test.ts',
  'test/integration/{brokers,exactly-once,restart}.kafka.test.ts'
]
/** Whether the embedded broker answers as Apache Kafka does. */
const DIFFERENTIAL = 'packages/broker/src/differential/**'
/** About Apache Kafka itself, also how it is started. */
const OF_KAFKA_ONLY = ['scripts/kafka-broker.kafka.test.ts', DIFFERENTIAL]
/** About the newest Apache Kafka that is tested, and no other, also whether we speak all it does. */
const OF_NEWEST_KAFKA = ['packages/protocol/src/real-kafka.kafka.test.ts', DIFFERENTIAL]
const ON_EMBEDDED_BROKER = {
  exclude: [...NOT_TESTS, ...OF_KAFKA_ONLY],
  globalSetup: 'scripts/embedded-broker-setup.ts',
  setupFiles: 'scripts/use-embedded-broker.ts',
  testTimeout: 60_000,
  hookTimeout: 60_000,
  // They wait for time-outs and for each other more than they compute; so two at a time, and not beside those that compute.
  maxWorkers: 2,
  sequence: { groupOrder: 1 },
  execArgv: NODE_OPTIONS
}

/** Where `.ci/run` wants a machine-readable report for its last line. */
const reportDir = process.env.MILLRACE_TEST_REPORTS

export default defineConfig({
  test: {
    passWithNoTests: false,
    // Left to itself, vitest leaves one core of two idle.
    maxWorkers: '100%',
    // A test that passes at the second try is a defect that hides.
    retry: 0,
    reporters:
      reportDir === undefined
        ? ['default']
        : ['default', ['json', { outputFile: join(reportDir, `vitest-${process.pid}.json`) }]],
    projects: [
      {
        ...SOURCES,
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'examples/**/*.test.ts',
            'scripts/**/*.test.ts',
            'test/**/*.test.ts'
          ],
          exclude: [
            ...NOT_TESTS,
            '**/*.kafka.test.ts',
            '**/*.registry.test.ts',
            '**/*.cluster.test.ts',
            '**/*.auth.test.ts',
            'test/pack/**',
            'test/broker-java/**'
          ],
          testTimeout: 15_000,
          hookTimeout: 15_000,
          execArgv: NODE_OPTIONS
        }
      },
      {
        ...SOURCES,
        test: {
          name: 'kafka',
          include: INTEGRATION,
          exclude: BROKER_VERSION === KAFKA_VERSION ? NOT_TESTS : [...NOT_TESTS, ...OF_NEWEST_KAFKA],
          // As on the embedded broker.
          maxWorkers: 2,
          // Kafka has been seen to leave the marks of all transactions for forty seconds, when many topics came and went.
          testTimeout: 180_000,
          hookTimeout: 180_000,
          execArgv: NODE_OPTIONS
        }
      },
      { ...SOURCES, test: { name: 'broker', ...ON_EMBEDDED_BROKER, include: INTEGRATION } },
      { ...SOURCES, test: { name: 'broker-quick', ...ON_EMBEDDED_BROKER, include: QUICK_INTEGRATION } },
      {
        ...SOURCES,
        test: {
          name: 'registry',
          maxWorkers: 1,
          include: ['packages/*/src/**/*.registry.test.ts', 'test/**/*.registry.test.ts'],
          exclude: NOT_TESTS,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          execArgv: NODE_OPTIONS
        }
      },
      {
        ...SOURCES,
        test: {
          name: 'auth',
          maxWorkers: 2,
          include: ['test/auth/*.auth.test.ts'],
          globalSetup: 'test/auth/setup.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          execArgv: NODE_OPTIONS
        }
      },
      {
        ...SOURCES,
        test: {
          name: 'cluster',
          maxWorkers: 1,
          include: ['test/cluster/*.cluster.test.ts'],
          execArgv: NODE_OPTIONS
        }
      },
      {
        ...SOURCES,
        test: {
          name: 'broker-java',
          maxWorkers: 1,
          include: ['test/broker-java/**/*.test.ts'],
          exclude: NOT_TESTS,
          testTimeout: 300_000,
          hookTimeout: 60_000
        }
      },
      {
        test: {
          name: 'pack',
          maxWorkers: 1,
          include: ['test/pack/**/*.test.ts'],
          exclude: NOT_TESTS,
          testTimeout: 180_000,
          hookTimeout: 300_000
        }
      }
    ]
  }
})

function nodeOptionsWith(option: string): string {
  const given = process.env.NODE_OPTIONS ?? ''
  return given.includes(option) ? given : `${given} ${option}`.trim()
}
