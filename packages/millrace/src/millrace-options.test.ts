import { describe, expect, test } from 'vitest'
import { json, Millrace, type MillraceOptions, StreamsBuilder, string } from './index.ts'

const builder = new StreamsBuilder()
builder.stream('in', { key: string(), value: json<number>() }).to('out')
const topology = builder.build()

/** What making an application with these options throws, wrong as they are. */
function refusal(options: object): unknown {
  try {
    const app = new Millrace(topology, {
      applicationId: 'app',
      brokers: ['localhost:9'],
      ...options
    } as MillraceOptions)
    void app.close()
  } catch (error) {
    return error
  }
  return undefined
}

function circular(): object {
  const holder: { self?: object } = {}
  holder.self = holder
  return holder
}

describe('options that do not exist', () => {
  test.each([
    [{ commitInterval: 5 }, /the application has no option 'commitInterval'\. Did you mean 'commitIntervalMs'/i],
    [{ statedir: '/tmp' }, /'statedir'.*'stateDir'/],
    [{ producer: { batchSize: 5 } }, /producer has no option 'batchSize'/],
    [{ restoreListener: { onRestored() {} } }, /restoreListener has no option 'onRestored'/],
    [{ kafka: { brokerz: ['localhost:9'] } }, /'brokerz'/],
    [{ kafka: { retry: { initialRetryMs: 5 } } }, /kafka.retry has no option 'initialRetryMs'.*'initialRetryTime'/],
    [{ kafka: { retry: { retries: 5 } } }, /kafka.retry has no effect with 'retries'/],
    [{ kafka: { sasl: { mechanism: 'plain', user: 'me', password: 'x' } } }, /'user'.*'username'/],
    [{ consumer: { fetchMinByte: 5 } }, /consumer has no option 'fetchMinByte'. Did you mean 'fetchMinBytes'/],
    [{ producer: { linger: 5 } }, /producer has no option 'linger'. Did you mean 'lingerMs'/],
    [
      { producer: { compressionByTopic: { ouy: 'lz4' } } },
      /compressionByTopic has no option 'ouy'. Did you mean 'out'/
    ],
    [{ requestTimeout: 5 }, /'requestTimeout'. Did you mean 'requestTimeoutMs'/],
    [{ maxPollIntervalMs: 5 }, /'maxPollIntervalMs'/]
  ])('are refused: %o', (options, message) => {
    expect(refusal(options)).toMatchObject({
      code: 'CONFIG_UNKNOWN_OPTION',
      message: expect.stringMatching(message)
    })
  })
})

describe('values that cannot be', () => {
  test.each([
    [{ applicationId: '' }, /'applicationId' is "".*letters, digits/],
    [{ applicationId: 'a/b' }, /'applicationId' is "a\/b"/],
    [{ applicationId: undefined }, /'applicationId'/],
    [{ applicationId: '..' }, /\.\./],
    [{ commitIntervalMs: 0 }, /'commitIntervalMs' is 0; it must be an integer of at least 1/],
    [{ commitIntervalMs: '100' }, /'commitIntervalMs' is "100"/],
    [{ commitIntervalMs: Number.NaN }, /'commitIntervalMs' is (NaN|null)/],
    [{ cacheBytes: -1 }, /'cacheBytes' is -1/],
    [{ processingGuarantee: 'exactly_once_v2' }, /'processingGuarantee' is "exactly_once_v2".*'exactly_once'/],
    [{ autoOffsetReset: 'beginning' }, /'autoOffsetReset' is "beginning".*'earliest', 'latest', 'none'/],
    [{ onProcessingError: 'ignore' }, /'onProcessingError' is "ignore".*'dead-letter'/],
    [{ onProcessingError: 'dead-letter' }, /deadLetterTopic is not set/],
    [{ deadLetterTopic: 5 }, /'deadLetterTopic' is 5/],
    [{ groupInstanceId: 5 }, /'groupInstanceId' is 5/],
    [{ groupInstanceId: '' }, /'groupInstanceId' is ""/],
    [
      { processingGuarantee: 'exactly_once', commitIntervalMs: 20_000 },
      /commitIntervalMs is 20000.*transactionTimeoutMs, 10000/
    ],
    [{ sessionTimeoutMs: 6_000, heartbeatIntervalMs: 6_000 }, /heartbeatIntervalMs.*6000.*sessionTimeoutMs/],
    [{ producer: { compression: 'brotli' } }, /compression.*"?'?brotli/],
    [{ producer: { batchBytes: -1 } }, /batchBytes.*-1/],
    [{ brokers: [] }, /No broker/],
    [{ brokers: undefined }, /No broker/],
    [{ brokers: 'localhost:9092' }, /brokers.*\['localhost:9092'\]/],
    [{ brokers: ['localhost'] }, /'localhost' is not of the form host:port/],
    [{ brokers: ['a:1'], kafka: { brokers: ['b:1'] } }, /Both 'brokers' and 'kafka.brokers'/],
    [{ stateDir: 5 }, /'stateDir' is 5/],
    [{ stateDir: '' }, /'stateDir' is ""/],
    [{ handleSignals: 'no' }, /'handleSignals' is "no"/],
    [{ logger: { warn() {} } }, /'logger'.*debug/],
    [{ restoreListener: { onRestoreEnd: 5 } }, /onRestoreEnd/],
    [{ commitIntervalMs: 2 ** 31 }, /'commitIntervalMs' is 2147483648; .* from 1 to 2147483647/],
    [{ sessionTimeoutMs: '45s' }, /'sessionTimeoutMs' is "45s"; it must be an integer.*milliseconds/],
    [{ sessionTimeoutMs: 1.5 }, /'sessionTimeoutMs' is 1.5/],
    [{ metadataMaxAgeMs: Number.POSITIVE_INFINITY }, /'metadataMaxAgeMs' is Infinity/],
    [{ requestTimeoutMs: Number.NaN }, /'requestTimeoutMs' is NaN/],
    [{ retryBackoffMs: -1 }, /'retryBackoffMs' is -1/],
    [{ connectionsMaxIdleMs: 0 }, /'connectionsMaxIdleMs' is 0/],
    [{ clientRack: '' }, /'clientRack' is ""/],
    [{ replicationFactor: 0 }, /'replicationFactor' is 0; it must be 1 or more/],
    [{ groupInstanceId: 'a/b' }, /'groupInstanceId' is "a\/b".*letters, digits/],
    [{ internalTopicConfigs: { 'min.insync.replicas': 2 } }, /'internalTopicConfigs.min.insync.replicas' is 2.*text/],
    [{ internalTopicConfigs: { 'retention.ms': '5' } }, /'retention.ms'.*records would be lost/],
    [{ consumer: { fetchMinBytes: 0 } }, /'consumer.fetchMinBytes' is 0/],
    [{ consumer: [] }, /consumer takes an object/],
    [{ consumer: { fetchMaxBytes: 2_000 }, inputBufferBytes: 1_000 }, /fetchMaxBytes is 2000.*inputBufferBytes, 1000/],
    [{ producer: { lingerMs: -1 } }, /'producer.lingerMs' is -1/],
    [{ producer: { maxBlockMs: 'a minute' } }, /'producer.maxBlockMs'.*milliseconds/],
    [{ producer: { compressionByTopic: { out: 'zip' } } }, /'producer.compressionByTopic.out' is "zip"/],
    [{ producer: { batchBytes: 2_000_000 } }, /batchBytes is 2000000.*maxRequestBytes, 1048576/],
    [{ producer: { deliveryTimeoutMs: 10_000 } }, /deliveryTimeoutMs is 10000.*lingerMs, 5.*requestTimeoutMs, 30000/],
    [{ producer: { deliveryTimeoutMs: 100, lingerMs: 200 } }, /lingerMs is 200.*deliveryTimeoutMs, 100/],
    [{ retryBackoffMs: 2_000 }, /retryBackoffMs is 2000.*retryBackoffMaxMs, is 1000/],
    [{ requestTimeoutMs: 5, kafka: { requestTimeout: 5 } }, /Both 'requestTimeoutMs' and 'kafka.requestTimeout'/],
    [{ kafka: { connectionTimeout: '1s' } }, /'kafka.connectionTimeout' is "1s"/],
    [{ kafka: { enforceRequestTimeout: 'no' } }, /'kafka.enforceRequestTimeout' is "no"/],
    [{ kafka: { clientId: 5 } }, /'kafka.clientId' is 5/],
    [{ kafka: { retry: { maxRetryTime: 0 } } }, /'kafka.retry.maxRetryTime' is 0/],
    [{ kafka: { retry: { initialRetryTime: 5_000 } } }, /initialRetryTime is 5000.*kafka.retry.maxRetryTime, is 1000/],
    [{ kafka: { socketFactory: 'proxy' } }, /'kafka.socketFactory' is "proxy"; it must be a function/],
    [{ kafka: { logCreator: 5 } }, /'kafka.logCreator' is 5; it must be a function/],
    [{ kafka: { logLevel: 'debug' } }, /'kafka.logLevel' is "debug".*0, 1, 2, 4, 5/],
    [{ logger: circular() }, /'logger' is \[object Object\]; it must be an object with the methods debug/]
  ])('are refused with what may be: %o', (options, message) => {
    expect(refusal(options)).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) })
  })
})

test.each([
  {},
  { brokers: undefined, kafka: { brokers: ['localhost:9'], clientId: 'me' } },
  { brokers: undefined, kafka: { brokers: () => ['localhost:9'] } },
  { producer: { deliveryTimeoutMs: 10_000 }, requestTimeoutMs: 9_000, clientRack: 'a' },
  { producer: { compressionByTopic: { out: 'lz4', 'app-millrace-topology-changelog': 'none' } } },
  { requestTimeoutMs: 600_000, consumer: { fetchMaxWaitMs: 0 }, internalTopicConfigs: { 'min.insync.replicas': '2' } },
  { requestTimeoutMs: 2 ** 31 - 1 },
  { requestTimeoutMs: 2 ** 31 - 1, producer: { deliveryTimeoutMs: 2 ** 31 - 1 } },
  { producer: { lingerMs: 2 ** 31 - 2 } },
  { kafka: { retry: { initialRetryTime: 5_000, maxRetryTime: 5_000 }, logLevel: 5, logCreator: () => () => {} } },
  { kafka: { ssl: true, requestTimeout: 5_000 }, producer: { compression: 'lz4' }, groupInstanceId: 'one' }
])('these are accepted: %o', options => {
  expect(refusal(options)).toBeUndefined()
})
