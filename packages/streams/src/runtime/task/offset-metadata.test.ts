import { expect, test } from 'vitest'
import { decodeOffsetMetadata, encodeOffsetMetadata } from './offset-metadata.ts'

const NO_METADATA = { partitionTimeMs: -1, nodeStates: new Map() }

test('keeps partition time and node states', () => {
  const metadata = {
    partitionTimeMs: 1_767_225_600_000,
    nodeStates: new Map([
      ['abc', 1_767_225_600_001],
      ['x1', -1],
      ['z', 0]
    ])
  }
  expect(decodeOffsetMetadata(encodeOffsetMetadata(metadata))).toEqual(metadata)
  expect(decodeOffsetMetadata(encodeOffsetMetadata(NO_METADATA))).toEqual(NO_METADATA)
})

test.each(['', 'AQAAAYzx', 'M1|', 'M1||', 'M1|zz|a', 'M1|zz|a=', 'M1|zz|a=*', 'M2|1|a=1', 'M1|zzzzzzzzzzzzzzz|'])(
  'takes %j for no metadata',
  text => {
    expect(decodeOffsetMetadata(text)).toEqual(NO_METADATA)
  }
)

test('refuses what would not fit the broker', () => {
  const nodeStates = new Map(Array.from({ length: 400 }, (_, i) => [`hash${i}`, 1_767_225_600_000 + i] as const))
  expect(() => encodeOffsetMetadata({ partitionTimeMs: 1, nodeStates })).toThrowError(
    expect.objectContaining({ code: 'TASK_OFFSET_METADATA_INVALID' })
  )
})
