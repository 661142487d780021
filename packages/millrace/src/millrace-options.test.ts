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

describe('options that do not exist', () => {
  test.each([
    [{ commitInterval: 5 }, /the application has no option 'commitInterval'\. Did you mean 'commitIntervalMs'/i],
    [{ statedir: '/tmp' }, /'statedir'.*'stateDir'/],
    [{ producer: { batchSize: 5 } }, /producer has no option 'batchSize'/],
    [{ restoreListener: { onRestored() {} } }, /restoreListener has no option 'onRestored'/],
    [{ kafka: { brokerz: ['localhost:9'] } }, /'brokerz'/]
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
    [{ restoreListener: { onRestoreEnd: 5 } }, /onRestoreEnd/]
  ])('are refused with what may be: %o', (options, message) => {
    expect(refusal(options)).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) })
  })
})

test.each([
  {},
  { brokers: undefined, kafka: { brokers: ['localhost:9'], clientId: 'me' } },
  { brokers: undefined, kafka: { brokers: () => ['localhost:9'] } },
  { kafka: { ssl: true, requestTimeout: 5_000 }, producer: { compression: 'lz4' }, groupInstanceId: 'one' }
])('these are accepted: %o', options => {
  expect(refusal(options)).toBeUndefined()
})
