import { checkOptions, StreamsError } from '../core/index.ts'
import type { ProducerOptions } from '../ports/index.ts'
import type { ErrorHandler, ErrorHandlers } from './error-handlers.ts'

/** How an application runs. Durations are in milliseconds, sizes in bytes. */
export interface StreamsConfig {
  /** Consumer group, and prefix of internal topics, transactional ids and the state directory. Letters, digits, `.`, `_`, `-`. */
  readonly applicationId: string
  /** Default `at_least_once`. `exactly_once` is Kafka's version 2: state, output and offsets in one transaction. */
  readonly processingGuarantee?: 'at_least_once' | 'exactly_once'
  /** Default 30,000; under exactly-once 100. Must be below `transactionTimeoutMs`. */
  readonly commitIntervalMs?: number
  /** Record caches of all tasks together; 0 switches caching off. Default 10 MiB. */
  readonly cacheBytes?: number
  /** Uncommitted writes and cached reads of all tasks together; when they exceed it, a commit is made early. Default 64 MiB. */
  readonly stateMemoryBytes?: number
  /** Fetched and not yet processed. Default 32 MiB. */
  readonly inputBufferBytes?: number
  /** KIP-695: 0 waits for an empty input while the broker holds records for it; -1 never waits; n waits n ms longer. Default 0. */
  readonly maxTaskIdleMs?: number
  /** Where an input partition without a committed offset begins. Default `earliest`. */
  readonly autoOffsetReset?: 'earliest' | 'latest' | 'none'
  /** Of internal topics; -1 is the broker's default. Default -1. */
  readonly replicationFactor?: number
  /**
   * What happens when the topology has changed so that a store or repartition topic would be taken for another one, or a
   * generated name got another number. `fail` (the default): `TOPOLOGY_CHANGED` before anything is processed. `accept`: it
   * is logged, and from then on holds; take it out again after that start, since it accepts the next change, too. `ignore`:
   * nothing is compared, nor noted in the topic `<applicationId>-millrace-topology-changelog`, which is not created.
   */
  readonly onTopologyChange?: 'fail' | 'accept' | 'ignore'
  /** Default 10,000. */
  readonly transactionTimeoutMs?: number
  /** Default 45,000. */
  readonly sessionTimeoutMs?: number
  /** Default a third of the session time-out, at most 3,000. */
  readonly heartbeatIntervalMs?: number
  /** Default 300,000. */
  readonly rebalanceTimeoutMs?: number
  /** Static membership (KIP-345): unique to this process, stable across its restarts. */
  readonly groupInstanceId?: string
  /** How often records of repartition topics below the committed offsets are deleted. Default 30,000. */
  readonly repartitionPurgeIntervalMs?: number
  /** How often sources that are patterns look for new topics. Default 60,000. */
  readonly metadataMaxAgeMs?: number
  readonly onDeserializationError?: ErrorHandler
  readonly onProcessingError?: ErrorHandler
  readonly onProductionError?: ErrorHandler
  readonly deadLetterTopic?: string
  readonly producer?: Pick<
    ProducerOptions,
    'batchBytes' | 'maxRequestBytes' | 'compression' | 'bufferBytes' | 'deliveryTimeoutMs'
  >
}

/** A config with every default filled in. */
export type ResolvedConfig = Required<
  Omit<StreamsConfig, 'groupInstanceId' | 'heartbeatIntervalMs' | 'deadLetterTopic'>
> & {
  readonly groupInstanceId: string | undefined
  readonly heartbeatIntervalMs: number | undefined
  readonly deadLetterTopic: string | undefined
  readonly exactlyOnce: boolean
  readonly handlers: ErrorHandlers
}

const MIB = 1024 * 1024

/** Every option there is; a misspelt one is refused rather than ignored. */
export const STREAMS_OPTIONS = [
  'applicationId',
  'processingGuarantee',
  'commitIntervalMs',
  'cacheBytes',
  'stateMemoryBytes',
  'inputBufferBytes',
  'maxTaskIdleMs',
  'autoOffsetReset',
  'replicationFactor',
  'onTopologyChange',
  'transactionTimeoutMs',
  'sessionTimeoutMs',
  'heartbeatIntervalMs',
  'rebalanceTimeoutMs',
  'groupInstanceId',
  'repartitionPurgeIntervalMs',
  'metadataMaxAgeMs',
  'onDeserializationError',
  'onProcessingError',
  'onProductionError',
  'deadLetterTopic',
  'producer'
] as const satisfies readonly (keyof StreamsConfig)[]

const PRODUCER_SIZES = ['batchBytes', 'maxRequestBytes', 'bufferBytes', 'deliveryTimeoutMs'] as const
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** @throws StreamsError `CONFIG_INVALID` naming the option, its value and what is allowed; `CONFIG_UNKNOWN_OPTION`. */
export function resolveConfig(config: StreamsConfig): ResolvedConfig {
  checkOptions('the application', config, STREAMS_OPTIONS)
  const producer = config.producer ?? {}
  checkOptions('producer', producer, [...PRODUCER_SIZES, 'compression'])
  for (const name of PRODUCER_SIZES) integer(producer, name, 1, 1, 'producer.')
  oneOf(producer, 'compression', COMPRESSIONS, 'none', 'producer.')
  const { applicationId } = config
  if (typeof applicationId !== 'string' || !/^[a-zA-Z0-9._-]{1,200}$/.test(applicationId)) {
    throw invalid('applicationId', applicationId, '1 to 200 letters, digits, dots, underscores or hyphens')
  }
  const guarantee = oneOf(config, 'processingGuarantee', ['at_least_once', 'exactly_once'], 'at_least_once')
  const exactlyOnce = guarantee === 'exactly_once'
  const handlers: ErrorHandlers = {
    onDeserializationError: handler(config, 'onDeserializationError'),
    onProcessingError: handler(config, 'onProcessingError'),
    onProductionError: handler(config, 'onProductionError'),
    deadLetterTopic: text(config, 'deadLetterTopic')
  }
  const resolved: ResolvedConfig = {
    applicationId,
    processingGuarantee: guarantee,
    exactlyOnce,
    commitIntervalMs: integer(config, 'commitIntervalMs', exactlyOnce ? 100 : 30_000, 1),
    cacheBytes: integer(config, 'cacheBytes', 10 * MIB, 0),
    stateMemoryBytes: integer(config, 'stateMemoryBytes', 64 * MIB, MIB),
    inputBufferBytes: integer(config, 'inputBufferBytes', 32 * MIB, 1),
    maxTaskIdleMs: integer(config, 'maxTaskIdleMs', 0, -1),
    autoOffsetReset: oneOf(config, 'autoOffsetReset', ['earliest', 'latest', 'none'], 'earliest'),
    replicationFactor: integer(config, 'replicationFactor', -1, -1),
    onTopologyChange: oneOf(config, 'onTopologyChange', ['fail', 'accept', 'ignore'], 'fail'),
    transactionTimeoutMs: integer(config, 'transactionTimeoutMs', 10_000, 1),
    sessionTimeoutMs: integer(config, 'sessionTimeoutMs', 45_000, 1),
    heartbeatIntervalMs:
      config.heartbeatIntervalMs === undefined ? undefined : integer(config, 'heartbeatIntervalMs', 0, 1),
    rebalanceTimeoutMs: integer(config, 'rebalanceTimeoutMs', 300_000, 1),
    repartitionPurgeIntervalMs: integer(config, 'repartitionPurgeIntervalMs', 30_000, 1),
    metadataMaxAgeMs: integer(config, 'metadataMaxAgeMs', 60_000, 1),
    groupInstanceId: text(config, 'groupInstanceId'),
    deadLetterTopic: handlers.deadLetterTopic,
    onDeserializationError: handlers.onDeserializationError,
    onProcessingError: handlers.onProcessingError,
    onProductionError: handlers.onProductionError,
    handlers,
    producer
  }
  if (exactlyOnce && resolved.commitIntervalMs >= resolved.transactionTimeoutMs) {
    throw new StreamsError(
      'CONFIG_INVALID',
      `commitIntervalMs is ${resolved.commitIntervalMs}, but a transaction lasts at most transactionTimeoutMs, ${resolved.transactionTimeoutMs}. ` +
        'Commit more often, or raise transactionTimeoutMs.',
      { details: { commitIntervalMs: resolved.commitIntervalMs, transactionTimeoutMs: resolved.transactionTimeoutMs } }
    )
  }
  if (resolved.heartbeatIntervalMs !== undefined && resolved.heartbeatIntervalMs >= resolved.sessionTimeoutMs) {
    throw new StreamsError(
      'CONFIG_INVALID',
      `heartbeatIntervalMs is ${resolved.heartbeatIntervalMs}, but the session ends sessionTimeoutMs, ${resolved.sessionTimeoutMs}, after a heartbeat. ` +
        'Make it a third of that, or leave it out.',
      {
        details: {
          heartbeatIntervalMs: resolved.heartbeatIntervalMs,
          sessionTimeoutMs: resolved.sessionTimeoutMs
        }
      }
    )
  }
  const usesDeadLetters = [config.onDeserializationError, config.onProcessingError, config.onProductionError].includes(
    'dead-letter'
  )
  if (usesDeadLetters && config.deadLetterTopic === undefined) {
    throw new StreamsError(
      'CONFIG_INVALID',
      "A handler is 'dead-letter', but deadLetterTopic is not set. Name an existing topic."
    )
  }
  return resolved
}

function integer<N extends string>(
  options: { readonly [K in N]?: number },
  name: N,
  fallback: number,
  min: number,
  where = ''
): number {
  const value = options[name]
  if (value === undefined) return fallback
  if (!Number.isSafeInteger(value) || value < min) throw invalid(where + name, value, `an integer of at least ${min}`)
  return value
}

function text<N extends string>(options: { readonly [K in N]?: string }, name: N): string | undefined {
  const value: unknown = options[name]
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw invalid(name, value, 'a text that is not empty')
}

function oneOf<const T extends string>(
  options: object,
  name: string,
  allowed: readonly T[],
  fallback: T,
  where = ''
): T {
  const value: unknown = (options as Record<string, unknown>)[name]
  if (value === undefined) return fallback
  const found = allowed.find(candidate => candidate === value)
  if (found === undefined) {
    throw invalid(where + name, value, allowed.map(candidate => `'${candidate}'`).join(', '))
  }
  return found
}

function handler(
  config: StreamsConfig,
  name: 'onDeserializationError' | 'onProcessingError' | 'onProductionError'
): ErrorHandler {
  const value = config[name]
  if (value === undefined) return 'fail'
  if (typeof value === 'function' || value === 'fail' || value === 'continue' || value === 'dead-letter') return value
  throw invalid(name, value, "'fail', 'continue', 'dead-letter', or a function that returns one of them")
}

function invalid(name: string, value: unknown, allowed: string): StreamsError {
  return new StreamsError(
    'CONFIG_INVALID',
    `The option '${name}' is ${JSON.stringify(value)}; it must be ${allowed}.`,
    {
      details: { option: name, value }
    }
  )
}
