import { expect, test } from 'vitest'
import { StreamsError, string } from '../core/index.ts'
import { SILENT_LOGGER } from '../ports/index.ts'
import { INTERNAL_PREFIX, keyValueStore, type Topology } from '../topology/index.ts'
import type { ErrorHandler } from './error-handlers.ts'
import { decidesOverRefused } from './refused-records.ts'

const TOO_LARGE = new StreamsError('RECORD_TOO_LARGE', "The broker refused it; raise the topic's max.message.bytes.")

/** A store fed through a repartition topic, and an output whose name begins as those of internal topics do. */
const topology: Topology = {
  subTopologies: [
    {
      id: 0,
      nodes: [],
      stores: [keyValueStore('pages', { key: string(), value: string() })],
      sourceTopics: [`${INTERNAL_PREFIX}by-page-repartition`],
      sourcePatterns: [],
      sinkTopics: ['app-pages'],
      repartitionSources: [{ suffix: 'by-page-repartition', partitionCount: undefined }],
      copartitionGroups: []
    }
  ],
  globalSubTopologies: [],
  describe: () => ''
}

function refuse(topic: string, onProductionError: ErrorHandler) {
  const logged: string[] = []
  const note = (message: string) => void logged.push(message)
  const decide = decidesOverRefused(
    topology,
    { applicationId: 'app', onProductionError, deadLetterTopic: 'dead' },
    { ...SILENT_LOGGER, warn: note, error: note }
  )
  return { dropped: decide(topic, 0, 1, TOO_LARGE), logged }
}

test.each([
  ['continue', true],
  ['fail', false],
  ['dead-letter', false]
] as const)('a refused output is dropped when the handler says so (%s)', (response, expected) => {
  expect(refuse('app-pages', response).dropped).toBe(expected)
  expect(refuse('app-pages', () => response).dropped).toBe(expected)
})

test.each(['app-pages-changelog', 'app-by-page-repartition', 'app-millrace-topology-changelog', 'dead'])(
  'a refused record of %s is never dropped, nor is the handler asked',
  topic => {
    expect(refuse(topic, 'continue').dropped).toBe(false)
    const asked: unknown[] = []
    const { dropped, logged } = refuse(topic, ({ error }) => {
      asked.push(error)
      return 'continue'
    })
    expect(dropped).toBe(false)
    expect(asked).toEqual([])
    expect(logged).toEqual([expect.stringMatching(new RegExp(`'${topic}'.*onProductionError.*max\\.message\\.bytes`))])
  }
)
