import { expect, test } from 'vitest'
import { serdeNotReady } from '../../core/index.ts'
import type { PartitionReader } from '../../ports/index.ts'
import { InputPartition } from './input-partition.ts'
import type { SourceNode } from './source-node.ts'

/** A reader of the offsets from 5 on, and a source that cannot read offset 6 before it is told to. */
function open() {
  const known = new Set([5, 7, 8])
  const reader = { topic: 't', partition: 0, position: 5, offset: -1, buffer: Buffer.alloc(0) }
  const next = () => {
    if (reader.position > 8) return false
    reader.offset = reader.position++
    reader.buffer = Buffer.of(reader.offset)
    return true
  }
  let ready: () => void = () => {}
  const read = (input: InputPartition) => {
    const { offset } = input.reader
    if (known.has(offset)) return { key: null, value: offset, timestampMs: offset, headers: [] }
    const promise = new Promise<void>(resolve => {
      ready = resolve
    })
    input.hold(serdeNotReady(`Offset ${offset} is not known.`, promise))
    return undefined
  }
  const input = new InputPartition(
    Object.assign(reader, { next }) as never as PartitionReader,
    { read } as never as SourceNode,
    -1
  )
  return { input, reader, known, answer: () => ready() }
}

test('a record that is held keeps its offset, and the ones behind it', async () => {
  const { input, known, answer } = open()
  expect([input.loadHead(), input.takeHead().value, input.nextOffset]).toEqual([true, 5, 6])
  expect([input.loadHead(), input.nextOffset, input.held?.tries]).toEqual([false, 6, 1])
  expect([input.loadHead(), input.nextOffset, input.held?.tries]).toEqual([false, 6, 1])

  const { held } = input
  answer()
  await held?.ready
  expect([input.loadHead(), input.nextOffset, input.held?.tries]).toEqual([false, 6, 2])
  known.add(6)
  const again = input.held
  answer()
  await again?.ready
  expect([input.loadHead(), input.takeHead().value, input.held, input.nextOffset]).toEqual([true, 6, undefined, 7])
})

test.each([8, 7])('a record that is held is forgotten when the reader is moved, here to %i', position => {
  const { input, reader } = open()
  input.loadHead()
  input.takeHead()
  expect(input.loadHead()).toBe(false)
  // As a fetcher moves its reader: the bytes are gone, the fields stay.
  Object.assign(reader, { position, buffer: Buffer.alloc(0) })
  expect(input.nextOffset).toBe(position)
  expect([input.loadHead(), input.takeHead().value, input.held]).toEqual([true, position, undefined])
})
