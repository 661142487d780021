import {
  type Change,
  type Processor,
  type Serde,
  type SessionWindows,
  type SlidingWindows,
  sessionKey,
  type TimeWindows,
  UNLIMITED_END_MS,
  type UnlimitedWindows,
  type Windowed,
  windowedKey
} from '../../core/index.ts'
import type { WindowStoreShape } from '../materialized.ts'
import { sessionStoreReader, windowStoreReader } from '../table/store-reader.ts'
import type { TableReaderSupplier } from '../table/table-view.ts'
import type { AggregateFunctions } from './aggregate-functions.ts'
import type { EmitStrategy } from './emit-strategy.ts'
import { SessionWindowProcessor } from './session-window-processor.ts'
import { SlidingWindowProcessor } from './sliding-window-processor.ts'
import { TimeWindowProcessor } from './time-window-processor.ts'
import { UnlimitedWindowProcessor } from './unlimited-window-processor.ts'

export type AnyWindows = TimeWindows | SlidingWindows | UnlimitedWindows | SessionWindows

/** What an aggregation has to know of its windows: how they are stored, written and read, and what processes them. */
export interface WindowKind {
  readonly store: WindowStoreShape
  /** How long after the end of a window it takes no more records, by stream time: the grace, and a session's gap. */
  readonly closeDelayMs: number
  keySerde<K>(inner: Serde<K>): Serde<Windowed<K>>
  reader<K, A>(storeName: string): TableReaderSupplier<Windowed<K>, A>
  processor<K, V, A>(
    storeName: string,
    functions: AggregateFunctions<K, V, A>,
    sendsOldValues: boolean
  ): Processor<K, V, Windowed<K>, Change<A>>
}

export function windowKind(windows: AnyWindows, emits: EmitStrategy): WindowKind {
  switch (windows.kind) {
    case 'time':
      return {
        store: {
          kind: 'timestamped-window',
          windowSizeMs: windows.sizeMs,
          neededMs: windows.sizeMs + windows.graceMs,
          need: `windows of ${windows.sizeMs} ms with a grace of ${windows.graceMs} ms`,
          isTimeOrdered: emits === 'onWindowClose'
        },
        closeDelayMs: windows.graceMs,
        keySerde: inner => windowedKey(inner, { sizeMs: windows.sizeMs }),
        reader: windowStoreReader,
        processor: (storeName, functions, sendsOldValues) =>
          new TimeWindowProcessor(storeName, windows, emits, functions, sendsOldValues)
      }
    case 'sliding':
      return {
        store: {
          kind: 'timestamped-window',
          windowSizeMs: windows.differenceMs,
          // A new record may need the windows of records that are a difference older than the start of its own.
          neededMs: 2 * windows.differenceMs + windows.graceMs,
          need: `twice the difference of ${windows.differenceMs} ms and a grace of ${windows.graceMs} ms`,
          isTimeOrdered: emits === 'onWindowClose'
        },
        closeDelayMs: windows.graceMs,
        keySerde: inner => windowedKey(inner, { sizeMs: windows.differenceMs }),
        reader: windowStoreReader,
        processor: (storeName, functions, sendsOldValues) =>
          new SlidingWindowProcessor(storeName, windows, emits, functions, sendsOldValues)
      }
    case 'unlimited': {
      const sizeMs = UNLIMITED_END_MS - windows.startMs
      return {
        store: {
          kind: 'timestamped-window',
          windowSizeMs: sizeMs,
          neededMs: UNLIMITED_END_MS,
          need: 'unlimited windows',
          isTimeOrdered: false
        },
        closeDelayMs: Number.POSITIVE_INFINITY,
        keySerde: inner => windowedKey(inner, { sizeMs }),
        reader: windowStoreReader,
        processor: (storeName, functions, sendsOldValues) =>
          new UnlimitedWindowProcessor(storeName, windows, functions, sendsOldValues)
      }
    }
    case 'session':
      return {
        store: {
          kind: 'session',
          windowSizeMs: undefined,
          neededMs: windows.gapMs + windows.graceMs,
          need: `sessions with a gap of ${windows.gapMs} ms and a grace of ${windows.graceMs} ms`,
          isTimeOrdered: emits === 'onWindowClose'
        },
        closeDelayMs: windows.gapMs + windows.graceMs,
        keySerde: inner => sessionKey(inner),
        reader: sessionStoreReader,
        processor: (storeName, functions, sendsOldValues) =>
          new SessionWindowProcessor(storeName, windows, emits, functions, sendsOldValues)
      }
  }
}
