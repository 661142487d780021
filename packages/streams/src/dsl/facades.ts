import type { SessionWindows } from '../core/index.ts'
import type { BranchedKStream } from './branched-kstream.ts'
import type { CogroupedKStream } from './cogrouped-kstream.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import type { KGroupedTable } from './kgrouped-table.ts'
import type { KStream } from './kstream.ts'
import type { KTable } from './ktable.ts'
import type { CogroupedHandle, WindowedCogroupedHandle } from './operators/cogroup.ts'
import type { SplitHandle } from './operators/split.ts'
import type { SessionWindowedStreamHandle, TimeWindowedStreamHandle } from './operators/windowed-aggregate.ts'
import type { FixedWindows } from './operators/windowed-by.ts'
import type { SessionWindowedCogroupedKStream } from './session-windowed-cogrouped-kstream.ts'
import type { SessionWindowedKStream } from './session-windowed-kstream.ts'
import type { GroupedStreamHandle, StreamHandle } from './stream-handle.ts'
import type { AnyStoreHandle, GroupedTableHandle, TableHandle } from './table-handle.ts'
import type { TimeWindowedCogroupedKStream } from './time-windowed-cogrouped-kstream.ts'
import type { TimeWindowedKStream } from './time-windowed-kstream.ts'

/** Makes the objects that users call from the handles that operators return. Given to each, as they make one another. */
export interface Facades {
  stream<K, V>(handle: StreamHandle<K, V>): KStream<K, V>
  branched<K, V>(handle: SplitHandle<K, V>): BranchedKStream<K, V>
  groupedStream<K, V>(handle: GroupedStreamHandle<K, V>): KGroupedStream<K, V>
  timeWindowed<K, V>(handle: TimeWindowedStreamHandle<K, V>): TimeWindowedKStream<K, V>
  sessionWindowed<K, V>(handle: SessionWindowedStreamHandle<K, V>): SessionWindowedKStream<K, V>
  cogrouped<K, A>(handle: CogroupedHandle<K, A>): CogroupedKStream<K, A>
  timeWindowedCogrouped<K, A>(handle: WindowedCogroupedHandle<K, A, FixedWindows>): TimeWindowedCogroupedKStream<K, A>
  sessionWindowedCogrouped<K, A>(
    handle: WindowedCogroupedHandle<K, A, SessionWindows>
  ): SessionWindowedCogroupedKStream<K, A>
  table<K, V, H extends AnyStoreHandle>(handle: TableHandle<K, V, H>): KTable<K, V, H>
  groupedTable<K, V>(handle: GroupedTableHandle<K, V>): KGroupedTable<K, V>
}
