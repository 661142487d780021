import {
  checkOptions,
  choiceOption,
  contradiction,
  integerOption,
  invalidOption,
  StreamsError,
  textOption
} from '../core/index.ts'
import type { ErrorHandler, ErrorHandlers } from './error-handlers.ts'
import {
  CONSUMER_OPTIONS,
  PRODUCER_OPTIONS,
  type ConsumerConfig,
  type ProducerConfig,
  type ResolvedConfig,
  STREAMS_OPTIONS,
  type StreamsConfig
} from './streams-config.ts'

const MIB = 1024 * 1024
const NAME = /^[a-zA-Z0-9._-]+$/
const MAX_INSTANCE_ID_LENGTH = 249
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const DEFAULT_MAX_REQUEST_BYTES = MIB
/** What each kind of internal topic has its own of. */
const OWN_TOPIC_CONFIGS = ['cleanup.policy', 'retention.ms', 'retention.bytes', 'message.timestamp.type']

/** @throws StreamsError `CONFIG_INVALID` naming the option, its value and what is allowed; `CONFIG_UNKNOWN_OPTION`. */
export function resolveConfig(config: StreamsConfig): ResolvedConfig {
  checkOptions('the application', config, STREAMS_OPTIONS)
  const { applicationId } = config
  if (typeof applicationId !== 'string' || !NAME.test(applicationId) || applicationId.length > 200) {
    throw invalidOption('applicationId', applicationId, '1 to 200 letters, digits, dots, underscores or hyphens')
  }
  const guarantee = choiceOption(config, 'processingGuarantee', ['at_least_once', 'exactly_once']) ?? 'at_least_once'
  const exactlyOnce = guarantee === 'exactly_once'
  const handlers: ErrorHandlers = {
    onDeserializationError: handler(config, 'onDeserializationError'),
    onProcessingError: handler(config, 'onProcessingError'),
    onProductionError: handler(config, 'onProductionError'),
    deadLetterTopic: textOption(config, 'deadLetterTopic')
  }
  const above = (name: keyof StreamsConfig, min: number, otherwise: number, max?: number): number =>
    integerOption(config, name, { min, ...(max === undefined ? {} : { max }) }) ?? otherwise
  const resolved: ResolvedConfig = {
    applicationId,
    processingGuarantee: guarantee,
    exactlyOnce,
    commitIntervalMs: above('commitIntervalMs', 1, exactlyOnce ? 100 : 30_000),
    cacheBytes: above('cacheBytes', 0, 10 * MIB, Number.MAX_SAFE_INTEGER),
    stateMemoryBytes: above('stateMemoryBytes', MIB, 64 * MIB, Number.MAX_SAFE_INTEGER),
    inputBufferBytes: above('inputBufferBytes', 1, 16 * MIB),
    maxTaskIdleMs: above('maxTaskIdleMs', -1, 0),
    autoOffsetReset: choiceOption(config, 'autoOffsetReset', ['earliest', 'latest', 'none']) ?? 'earliest',
    replicationFactor: above('replicationFactor', -1, -1, 32_767),
    internalTopicConfigs: topicConfigs(config),
    onTopologyChange: choiceOption(config, 'onTopologyChange', ['fail', 'accept', 'ignore']) ?? 'fail',
    transactionTimeoutMs: above('transactionTimeoutMs', 1, 10_000),
    sessionTimeoutMs: above('sessionTimeoutMs', 10, 45_000),
    heartbeatIntervalMs: integerOption(config, 'heartbeatIntervalMs', { min: 1 }),
    rebalanceTimeoutMs: above('rebalanceTimeoutMs', 1, 300_000),
    repartitionPurgeIntervalMs: above('repartitionPurgeIntervalMs', 1, 30_000),
    metadataMaxAgeMs: above('metadataMaxAgeMs', 1, 60_000),
    groupInstanceId: instanceId(config),
    deadLetterTopic: handlers.deadLetterTopic,
    onDeserializationError: handlers.onDeserializationError,
    onProcessingError: handlers.onProcessingError,
    onProductionError: handlers.onProductionError,
    handlers,
    consumer: consumerConfig(config.consumer),
    producer: producerConfig(config.producer)
  }
  checkTogether(config, resolved)
  return resolved
}

function consumerConfig(consumer: ConsumerConfig = {}): ConsumerConfig {
  checkOptions('consumer', consumer, CONSUMER_OPTIONS)
  for (const name of CONSUMER_OPTIONS) {
    integerOption(consumer, name, { min: name === 'fetchMaxWaitMs' ? 0 : 1 }, 'consumer.')
  }
  return consumer
}

function producerConfig(producer: ProducerConfig = {}): ProducerConfig {
  checkOptions('producer', producer, PRODUCER_OPTIONS)
  integerOption(producer, 'lingerMs', { min: 0 }, 'producer.')
  for (const name of ['batchBytes', 'maxRequestBytes', 'bufferBytes', 'deliveryTimeoutMs', 'maxBlockMs'] as const) {
    integerOption(producer, name, { min: 1 }, 'producer.')
  }
  choiceOption(producer, 'compression', COMPRESSIONS, 'producer.')
  const byTopic: unknown = producer.compressionByTopic ?? {}
  if (typeof byTopic !== 'object' || Array.isArray(byTopic)) {
    throw invalidOption('producer.compressionByTopic', byTopic, "an object such as { 'clicks': 'lz4' }")
  }
  for (const topic of Object.keys(byTopic as object)) {
    choiceOption(byTopic as object, topic, COMPRESSIONS, 'producer.compressionByTopic.')
  }
  const { batchBytes, maxRequestBytes = DEFAULT_MAX_REQUEST_BYTES, lingerMs = 0, deliveryTimeoutMs } = producer
  if (batchBytes !== undefined && batchBytes > maxRequestBytes) {
    throw contradiction(
      `producer.batchBytes is ${batchBytes}, but a request holds producer.maxRequestBytes, ${maxRequestBytes}. Lower the first, or raise the second.`,
      { batchBytes, maxRequestBytes }
    )
  }
  if (deliveryTimeoutMs !== undefined && lingerMs >= deliveryTimeoutMs) {
    throw contradiction(
      `producer.lingerMs is ${lingerMs}, but records are given up after producer.deliveryTimeoutMs, ${deliveryTimeoutMs}. Wait for less long, or raise the second.`,
      { lingerMs, deliveryTimeoutMs }
    )
  }
  return producer
}

function topicConfigs({ internalTopicConfigs = {} }: StreamsConfig): Readonly<Record<string, string>> {
  const given: unknown = internalTopicConfigs
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalidOption('internalTopicConfigs', given, "an object such as { 'min.insync.replicas': '2' }")
  }
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'string') throw invalidOption(`internalTopicConfigs.${name}`, value, "a text, such as '2'")
    if (!OWN_TOPIC_CONFIGS.includes(name)) continue
    throw new StreamsError(
      'CONFIG_INVALID',
      `internalTopicConfigs gives '${name}', which differs from one internal topic to another: with one for all of them records would be lost. ` +
        "Leave it out, or give it as the 'changelog' of one store.",
      { details: { option: `internalTopicConfigs.${name}`, value } }
    )
  }
  return internalTopicConfigs
}

/** As brokers check it: like the name of a topic. */
function instanceId(config: StreamsConfig): string | undefined {
  const id = textOption(config, 'groupInstanceId')
  if (id === undefined || (NAME.test(id) && id.length <= MAX_INSTANCE_ID_LENGTH && id !== '.' && id !== '..')) return id
  throw invalidOption('groupInstanceId', id, '1 to 249 letters, digits, dots, underscores or hyphens')
}

function handler(config: StreamsConfig, name: 'onDeserializationError' | 'onProcessingError' | 'onProductionError') {
  const value: ErrorHandler | undefined = config[name]
  if (value === undefined) return 'fail'
  if (typeof value === 'function' || value === 'fail' || value === 'continue' || value === 'dead-letter') return value
  throw invalidOption(name, value, "'fail', 'continue', 'dead-letter', or a function that returns one of them")
}

/** Values that can each be, and not together. */
function checkTogether(given: StreamsConfig, resolved: ResolvedConfig): void {
  const { commitIntervalMs, transactionTimeoutMs, heartbeatIntervalMs, sessionTimeoutMs, inputBufferBytes } = resolved
  if (resolved.replicationFactor === 0)
    throw invalidOption('replicationFactor', 0, "1 or more, or -1 for the broker's default")
  if (resolved.exactlyOnce && commitIntervalMs >= transactionTimeoutMs) {
    throw contradiction(
      `commitIntervalMs is ${commitIntervalMs}, but a transaction lasts at most transactionTimeoutMs, ${transactionTimeoutMs}. ` +
        'Commit more often, or raise transactionTimeoutMs.',
      { commitIntervalMs, transactionTimeoutMs }
    )
  }
  if (heartbeatIntervalMs !== undefined && heartbeatIntervalMs >= sessionTimeoutMs) {
    throw contradiction(
      `heartbeatIntervalMs is ${heartbeatIntervalMs}, but the session ends sessionTimeoutMs, ${sessionTimeoutMs}, after a heartbeat. ` +
        'Make it a third of that, or leave it out.',
      { heartbeatIntervalMs, sessionTimeoutMs }
    )
  }
  const { fetchMaxBytes } = resolved.consumer
  if (fetchMaxBytes !== undefined && fetchMaxBytes > inputBufferBytes) {
    throw contradiction(
      `consumer.fetchMaxBytes is ${fetchMaxBytes}, but no more than inputBufferBytes, ${inputBufferBytes}, is fetched ahead. ` +
        'Lower the first, or raise the second.',
      { fetchMaxBytes, inputBufferBytes }
    )
  }
  const handlers = [given.onDeserializationError, given.onProcessingError, given.onProductionError]
  if (handlers.includes('dead-letter') && given.deadLetterTopic === undefined) {
    throw new StreamsError(
      'CONFIG_INVALID',
      "A handler is 'dead-letter', but deadLetterTopic is not set. Name an existing topic."
    )
  }
}
