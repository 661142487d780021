import type { PartitionReader } from '../../ports/index.ts'
import { listedReader } from './listed-reader.ts'

/** A changelog of `end` records, each of the key `k` and the value `v`; `onRead` is called before each is read. */
export function changelogReader(start: number, end: number, onRead: () => void = () => {}): PartitionReader {
  const reader = listedReader(
    Array.from({ length: end }, () => ({ key: 'k', value: 'v' })),
    start
  )
  const next = reader.next.bind(reader)
  reader.next = () => {
    onRead()
    return next()
  }
  return reader
}
