import { TopologyTestDriver } from '@millrace/testing'
import { StreamsBuilder, string } from 'millrace'
import { expect, test } from 'vitest'

/** As somebody writes it in JavaScript. */
const arrayBuffers = {
  name: 'array buffers',
  serialize: (value: string) => new TextEncoder().encode(value).buffer as unknown as Uint8Array,
  deserialize: (bytes: Uint8Array) => Buffer.from(bytes).toString()
}
const texts = { key: string(), value: string() }

test.each([
  ['an output', (builder: StreamsBuilder) => builder.stream('in', texts).to('out', { value: arrayBuffers })],
  [
    'a repartition topic',
    (builder: StreamsBuilder) =>
      builder.stream('in', texts).repartition({ key: string(), value: arrayBuffers }).to('out', texts)
  ],
  [
    'a store',
    (builder: StreamsBuilder) =>
      builder
        .stream('in', texts)
        .groupByKey()
        .reduce((_before, value) => value, { store: 'latest', value: arrayBuffers })
        .toStream()
        .to('out', texts)
  ]
])('a value for %s that is no Uint8Array is refused, and not taken for a deletion', async (_what, build) => {
  const builder = new StreamsBuilder()
  build(builder)
  await using driver = await TopologyTestDriver.open(builder.build())
  const send = () => driver.inputTopic('in', texts).pipe('a:b@0')
  expect(send).toThrow(expect.toSatisfy((error: Error) => messagesOf(error).includes('not a Uint8Array')))
})

/** Of the error and its causes. */
function messagesOf(error: unknown): string {
  return error instanceof Error ? `${error.message} ${messagesOf(error.cause)}` : ''
}
