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
const OPTIONS = [
  'applicationId',
  'processingGuarantee',
  'commitIntervalMs',
  'cacheBytes',
  'stateMemoryBytes',
  'inputBufferBytes',
  'maxTaskIdleMs',
  'autoOffsetReset',
  'replicationFactor',
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

const PRODUCER_OPTIONS = ['batchBytes', 'maxRequestBytes', 'compression', 'bufferBytes', 'deliveryTimeoutMs'] as const

/** @throws StreamsError `CONFIG_INVALID` naming the option, its value and what is allowed; `CONFIG_UNKNOWN_OPTION`. */
export function resolveConfig(config: StreamsConfig): ResolvedConfig {
  checkOptions('the application', config, OPTIONS)
  checkOptions('producer', config.producer ?? {}, PRODUCER_OPTIONS)
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
    deadLetterTopic: config.deadLetterTopic
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
    transactionTimeoutMs: integer(config, 'transactionTimeoutMs', 10_000, 1),
    sessionTimeoutMs: integer(config, 'sessionTimeoutMs', 45_000, 1),
    heartbeatIntervalMs:
      config.heartbeatIntervalMs === undefined ? undefined : integer(config, 'heartbeatIntervalMs', 0, 1),
    rebalanceTimeoutMs: integer(config, 'rebalanceTimeoutMs', 300_000, 1),
    repartitionPurgeIntervalMs: integer(config, 'repartitionPurgeIntervalMs', 30_000, 1),
    metadataMaxAgeMs: integer(config, 'metadataMaxAgeMs', 60_000, 1),
    groupInstanceId: config.groupInstanceId,
    deadLetterTopic: config.deadLetterTopic,
    onDeserializationError: handlers.onDeserializationError,
    onProcessingError: handlers.onProcessingError,
    onProductionError: handlers.onProductionError,
    handlers,
    producer: config.producer ?? {}
  }
  if (exactlyOnce && resolved.commitIntervalMs >= resolved.transactionTimeoutMs) {
    throw new StreamsError(
      'CONFIG_INVALID',
      `commitIntervalMs is ${resolved.commitIntervalMs}, but a transaction lasts at most transactionTimeoutMs, ${resolved.transactionTimeoutMs}. ` +
        'Commit more often, or raise transactionTimeoutMs.',
      { details: { commitIntervalMs: resolved.commitIntervalMs, transactionTimeoutMs: resolved.transactionTimeoutMs } }
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

type NumberOption = {
  [K in keyof StreamsConfig]-?: NonNullable<StreamsConfig[K]> extends number ? K : never
}[keyof StreamsConfig]

function integer(config: StreamsConfig, name: NumberOption, fallback: number, min: number): number {
  const value = config[name]
  if (value === undefined) return fallback
  if (!Number.isSafeInteger(value) || value < min) throw invalid(name, value, `an integer of at least ${min}`)
  return value
}

function oneOf<const T extends string>(
  config: StreamsConfig,
  name: keyof StreamsConfig,
  allowed: readonly T[],
  fallback: T
): T {
  const value = config[name]
  if (value === undefined) return fallback
  const found = allowed.find(candidate => candidate === value)
  if (found === undefined) throw invalid(name, value, allowed.map(candidate => `'${candidate}'`).join(', '))
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
