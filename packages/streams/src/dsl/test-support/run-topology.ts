import { type TestDriverOptions, TopologyTestDriver } from '@millrace/testing'
import { json, string } from '../../core/index.ts'
import { StreamsBuilder } from '../streams-builder.ts'

/** A record: key and value separated by `=`, event time after `@`; an empty key or value is null: `a=1@5`, `=1@5`, `a=@5`. */
export type RecordText = string

const SERDES = { key: string(), value: json<any>() }

/** Text keys and JSON values, for sources and sinks of tests. */
export const TEXT = SERDES

/**
 * Builds a topology, sends records to `in` (or to the topic named before a `>`: `other>a=1@5`), and gives what arrived at
 * `out`, written in the same way. The word `commit` commits in between.
 */
export async function run(
  build: (builder: StreamsBuilder) => void,
  records: readonly RecordText[],
  options: TestDriverOptions = {}
): Promise<RecordText[]> {
  const builder = new StreamsBuilder()
  build(builder)
  await using driver = await TopologyTestDriver.open(builder.build(), options)
  for (const record of records) {
    if (record === 'commit') await driver.commit()
    else pipe(driver, record)
  }
  await driver.commit()
  return read(driver)
}

export function pipe(driver: TopologyTestDriver, record: RecordText): void {
  const match = /^(?:([a-z-]+)>)?([^=]*)=(.*)@(\d+)$/.exec(record)
  if (match === null) throw new Error(`'${record}' is no record.`)
  const [, topic = 'in', key, value, time] = match
  const parsed = value === '' ? null : JSON.parse(value as string)
  driver.inputTopic(topic, SERDES).pipe(key === '' ? null : (key as string), parsed, Number(time))
}

export function read(driver: TopologyTestDriver, topic = 'out'): RecordText[] {
  return driver
    .outputTopic(topic, SERDES)
    .readRecords()
    .map(({ key, value, timestampMs }) => {
      return `${key ?? ''}=${value === null ? '' : JSON.stringify(value)}@${timestampMs}`
    })
}
