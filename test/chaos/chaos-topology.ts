import { json, type ProcessorContext, StreamsBuilder, string } from 'millrace'

/** The nth update of a key, which process made it, and of which input in the partition of the same number. */
export interface ChaosOutput {
  readonly count: number
  readonly incarnation: string
  readonly inputOffset: number
}

export function chaosTopology(input: string, output: string, incarnation: string) {
  const builder = new StreamsBuilder()
  builder
    .stream(input, { key: string(), value: string() })
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .processValues<ChaosOutput>(() => {
      let context: ProcessorContext<string, ChaosOutput>
      return {
        init(given) {
          context = given
        },
        process(record) {
          const inputOffset = context.recordMetadata()?.offset ?? -1
          context.forward({ ...record, value: { count: record.value, incarnation, inputOffset } })
        }
      }
    })
    .to(output, { key: string(), value: json<ChaosOutput>() })
  return builder.build()
}
