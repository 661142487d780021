import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** In the clone, packages resolve to their TypeScript sources: in Vite, in Node, and in the processes that tests start. */
const SOURCE_CONDITION = 'millrace-source'
process.env.NODE_OPTIONS = nodeOptionsWith(`--conditions=${SOURCE_CONDITION}`)

const NOT_TESTS = ['**/node_modules/**', '**/dist/**', '**/.cache/**']
const SOURCES = { resolve: { conditions: [SOURCE_CONDITION] }, ssr: { resolve: { conditions: [SOURCE_CONDITION] } } }

/** Where `.ci/run` wants a machine-readable report for its last line. */
const reportDir = process.env.MILLRACE_TEST_REPORTS

export default defineConfig({
  test: {
    passWithNoTests: false,
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
          exclude: [...NOT_TESTS, '**/*.kafka.test.ts', '**/*.registry.test.ts', 'test/pack/**', 'test/broker-java/**'],
          testTimeout: 15_000,
          hookTimeout: 15_000
        }
      },
      {
        ...SOURCES,
        test: {
          name: 'kafka',
          include: [
            'packages/*/src/**/*.kafka.test.ts',
            'examples/**/*.kafka.test.ts',
            'scripts/**/*.kafka.test.ts',
            'test/**/*.kafka.test.ts'
          ],
          exclude: NOT_TESTS,
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      },
      {
        ...SOURCES,
        test: {
          name: 'registry',
          include: ['packages/*/src/**/*.registry.test.ts', 'test/**/*.registry.test.ts'],
          exclude: NOT_TESTS,
          testTimeout: 60_000,
          hookTimeout: 60_000
        }
      },
      {
        ...SOURCES,
        test: {
          name: 'broker-java',
          include: ['test/broker-java/**/*.test.ts'],
          exclude: NOT_TESTS,
          testTimeout: 300_000,
          hookTimeout: 60_000
        }
      },
      {
        test: {
          name: 'pack',
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
