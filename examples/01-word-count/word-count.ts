import { int64, StreamsBuilder, string, type Topology } from 'millrace'

/** Counts the words of the lines in one topic, and writes each count to another. */
export function wordCount(inputTopic: string, outputTopic: string): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream(inputTopic, { key: string(), value: string() })
    .flatMapValues(line => line.toLowerCase().match(/[\w']+/g) ?? [])
    .groupBy((_key, word) => word, { key: string(), value: string() })
    .count({ store: 'counts' })
    .toStream()
    .to(outputTopic, { key: string(), value: int64() })
  return builder.build()
}
