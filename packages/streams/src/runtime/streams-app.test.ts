import { MockClock } from '@millrace/testing'
import { describe, expect, test } from 'vitest'
import { StreamsError, string } from '../core/index.ts'
import { type KafkaClient, type RawStoreProvider, SILENT_LOGGER } from '../ports/index.ts'
import { TopologyBuilder } from '../topology/index.ts'
import { StreamsApp } from './streams-app.ts'

const UNREACHABLE = new StreamsError('CLIENT_CONNECT_FAILED', 'None of 1 brokers can be reached: one:9092.')
const LATER = new StreamsError('TOPIC_MISSING', 'What comes after the connection was begun.')

/** An application whose client connects as told; nothing is behind it. */
function setUp(connect: (options?: { readonly timeoutMs?: number }) => Promise<void>) {
  const clock = new MockClock()
  const warnings: string[] = []
  const closed: string[] = []
  const client: Partial<KafkaClient> = {
    connect,
    admin: {
      describeTopics: async () => {
        throw LATER
      }
    } as unknown as KafkaClient['admin'],
    close: async () => void closed.push('client')
  }
  const stores: Partial<RawStoreProvider> = { close: async () => void closed.push('stores') }
  const serdes = { key: string(), value: string() }
  const topology = new TopologyBuilder()
    .addSource('in', { topics: 'in', ...serdes })
    .addSink('out', { topic: 'out', ...serdes }, ['in'])
    .build()
  const app = new StreamsApp(
    topology,
    { applicationId: 'app' },
    {
      client: client as KafkaClient,
      stores: stores as RawStoreProvider,
      clock,
      eventLoop: { nextTurn: async () => {}, holdOpen: () => () => {} },
      logger: { ...SILENT_LOGGER, warn: message => void warnings.push(message) }
    }
  )
  return { app, clock, warnings, closed }
}

describe('the first connection', () => {
  test('is tried again for half a minute, and that it is not made is told at once', async () => {
    const tried: unknown[] = []
    const { app, clock, warnings } = setUp(async options => {
      tried.push(options?.timeoutMs)
      clock.advance(1_000)
      if (tried.length === 1) throw UNREACHABLE
    })
    await expect(app.start()).rejects.toBe(LATER)
    expect(tried).toEqual([undefined, 29_000])
    expect(warnings).toEqual([expect.stringMatching(/29 s.*one:9092/)])
  })

  test('is an error when no broker is reached by then', async () => {
    const { app } = setUp(async () => {
      throw UNREACHABLE
    })
    await expect(app.start()).rejects.toBe(UNREACHABLE)
    expect(app.state).toBe('ERROR')
  })

  test('is an error at once when trying again does not help', async () => {
    const refused = new StreamsError('CLIENT_AUTHENTICATION_FAILED', 'Wrong password.')
    const { app, warnings } = setUp(async () => {
      throw refused
    })
    await expect(app.start()).rejects.toBe(refused)
    expect(warnings).toEqual([])
  })

  test('does not keep close() waiting, nor is it an error of who waits for the start', async () => {
    const { app, closed } = setUp(() => new Promise(() => {}))
    const starting = app.start()
    await app.close()
    await starting
    expect(app.state).toBe('NOT_RUNNING')
    expect(closed).toEqual(['stores', 'client'])
  })
})
