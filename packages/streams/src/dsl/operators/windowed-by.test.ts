import { expect, test } from 'vitest'
import { StreamsBuilder } from '../streams-builder.ts'
import { TEXT } from '../test-support/run-topology.ts'

test('refuses what are no windows', () => {
  const grouped = new StreamsBuilder().stream('in', TEXT).groupByKey()
  expect(() => grouped.windowedBy({ sizeMs: 5 } as never)).toThrow(/takes windows, for example tumbling/)
})
