import type { KGroupedStream } from './kgrouped-stream.ts'
import type { KStream } from './kstream.ts'
import type { KTable } from './ktable.ts'
import type { GroupedStreamHandle, StreamHandle } from './stream-handle.ts'
import type { AnyStoreHandle, TableHandle } from './table-handle.ts'

/** Makes the objects that users call from the handles that operators return. Given to each, as they make one another. */
export interface Facades {
  stream<K, V>(handle: StreamHandle<K, V>): KStream<K, V>
  table<K, V, H extends AnyStoreHandle>(handle: TableHandle<K, V, H>): KTable<K, V, H>
  groupedStream<K, V>(handle: GroupedStreamHandle<K, V>): KGroupedStream<K, V>
}
