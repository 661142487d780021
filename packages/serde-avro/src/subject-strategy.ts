import { StreamsError } from '@millrace/streams/core'

/** How Confluent's serializers name the subject of a schema. */
export type SubjectStrategyName = 'TopicName' | 'RecordName' | 'TopicRecordName'

/** @param recordName - full name of the schema; its type, when it has none. */
export type SubjectFunction = (topic: string, isKey: boolean, recordName: string) => string

/**
 * - `TopicName`: `<topic>-key`, `<topic>-value`
 * - `RecordName`: the full name of the record, whatever the topic
 * - `TopicRecordName`: `<topic>-<full name of the record>`
 *
 * A function names it itself.
 *
 * @see Confluent `TopicNameStrategy`, `RecordNameStrategy`, `TopicRecordNameStrategy`
 */
export type SubjectStrategy = SubjectStrategyName | SubjectFunction

const STRATEGIES: Readonly<Record<SubjectStrategyName, SubjectFunction>> = {
  TopicName: (topic, isKey) => `${topic}-${isKey ? 'key' : 'value'}`,
  RecordName: (_topic, _isKey, recordName) => recordName,
  TopicRecordName: (topic, _isKey, recordName) => `${topic}-${recordName}`
}

/** @throws StreamsError `CONFIG_INVALID` */
export function subjectFunction(strategy: SubjectStrategy): SubjectFunction {
  if (typeof strategy === 'function') return strategy
  if (Object.hasOwn(STRATEGIES, strategy)) return STRATEGIES[strategy]
  throw new StreamsError(
    'CONFIG_INVALID',
    `registryAvro() knows no subjectStrategy '${String(strategy)}'. Choose ${Object.keys(STRATEGIES)
      .map(name => `'${name}'`)
      .join(', ')} or give a function.`
  )
}

export function needsRecordName(strategy: SubjectStrategy): boolean {
  return strategy !== 'TopicName'
}
