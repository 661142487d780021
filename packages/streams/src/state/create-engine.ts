import { StreamsError } from '../core/index.ts'
import type { RawStore } from '../ports/index.ts'
import type { StoreSpec } from '../topology/index.ts'
import type { CleanCache } from './clean-cache.ts'
import { ItemTable } from './item-table.ts'
import { KeyValueEngine, TimestampedKeyValueEngine } from './key-value-engine.ts'
import { latin1Bytes } from './latin1.ts'
import { OrderedKeyValueEngine } from './ordered-key-value-engine.ts'
import type { RecordCache } from './record-cache.ts'
import { RowTable } from './row-table.ts'
import { SESSION_KEY_BYTES, SessionEngine } from './session-engine.ts'
import type { StoreCodec } from './store-codec.ts'
import { ObservedTime, type StoreEngine, WindowProgress } from './store-engine.ts'
import type { ChangelogAppender } from './task-state.ts'
import { keyTextOf, timeBucketMs } from './time-bucket-engine.ts'
import { VersionedKeyValueEngine } from './versioned-key-value-engine.ts'
import {
  DuplicatesWindowEngine,
  PlainWindowEngine,
  START_BYTES,
  TimestampedWindowEngine,
  windowChangelogKey
} from './window-engine.ts'

/** A group is mostly one row; above this it is several. */
const GROUP_PAGE_BYTES = 16 * 1024
/** About a hundred entries: a page is copied, encoded and written whole. */
const ORDERED_PAGE_BYTES = 4 * 1024

export interface EngineParts {
  readonly raw: RawStore
  /** Of its raw keys, as latin1. */
  readonly prefix: string
  readonly codec: StoreCodec<unknown, unknown>
  readonly changelog: ChangelogAppender | undefined
  readonly clean: CleanCache
  readonly cache: RecordCache | undefined
  readonly flushFailed: (error: unknown) => void
  /** Whether the record cache of any store of the task is just being emptied. */
  readonly isFlushing: () => boolean
  /** The largest time ever put; -1 at the beginning. */
  readonly observedMs: number
  readonly recordTimestampMs: () => number
}

/** The engine for a store of any kind. */
export function createEngine(spec: StoreSpec, parts: EngineParts): StoreEngine {
  const { codec, recordTimestampMs } = parts
  switch (spec.kind) {
    case 'key-value':
      return new KeyValueEngine(spec.name, rowTable(parts, false), codec, recordTimestampMs)
    case 'timestamped-key-value':
      return new TimestampedKeyValueEngine(spec.name, rowTable(parts, true), codec)
    case 'timestamped-window':
      return new TimestampedWindowEngine(windowOptions(spec, parts, true, 0))
    case 'window':
      return spec.retainDuplicates === true
        ? new DuplicatesWindowEngine(windowOptions(spec, parts, false, 4), recordTimestampMs)
        : new PlainWindowEngine(windowOptions(spec, parts, false, 0), recordTimestampMs)
    case 'session': {
      const retentionMs = required(spec, 'retentionMs')
      const timeOrdered = spec.timeOrdered === true
      const table = new ItemTable({
        ...parts,
        timestamped: false,
        cache: timeOrdered ? undefined : parts.cache,
        maxPageBytes: GROUP_PAGE_BYTES,
        itemKeyLength: SESSION_KEY_BYTES,
        changelogKey: (rootKey, itemKey) => latin1Bytes(keyTextOf(rootKey) + itemKey)
      })
      const windows = windowProgress(spec, parts, retentionMs, timeOrdered)
      return new SessionEngine({ name: spec.name, table, codec, windows, retentionMs, timeOrdered, recordTimestampMs })
    }
    case 'versioned-key-value': {
      const table = new ItemTable({
        ...parts,
        timestamped: true,
        cache: undefined,
        maxPageBytes: GROUP_PAGE_BYTES,
        itemKeyLength: 8,
        changelogKey: rootKey => latin1Bytes(rootKey.slice(0, -1))
      })
      const observed = new ObservedTime(parts.observedMs)
      return new VersionedKeyValueEngine(spec.name, table, codec, observed, required(spec, 'historyRetentionMs'))
    }
    case 'ordered-key-value': {
      const table = new ItemTable({
        ...parts,
        timestamped: false,
        cache: undefined,
        maxPageBytes: ORDERED_PAGE_BYTES,
        itemKeyLength: 0,
        changelogKey: (_rootKey, itemKey) => latin1Bytes(itemKey)
      })
      return new OrderedKeyValueEngine(spec.name, table, codec, recordTimestampMs)
    }
  }
}

function rowTable(parts: EngineParts, timestamped: boolean): RowTable {
  return new RowTable({
    ...parts,
    timestamped,
    encodeValue: value => parts.codec.encodeValue(value),
    decodeValue: (bytes, offset, end) => parts.codec.decodeValue(bytes, offset, end),
    changelogKey: latin1Bytes
  })
}

function windowOptions(spec: StoreSpec, parts: EngineParts, timestamped: boolean, sequenceBytes: number) {
  const windowSizeMs = required(spec, 'windowSizeMs')
  const retentionMs = required(spec, 'retentionMs')
  const timeOrdered = spec.timeOrdered === true
  const table = new ItemTable({
    ...parts,
    timestamped,
    cache: timeOrdered || sequenceBytes > 0 ? undefined : parts.cache,
    maxPageBytes: GROUP_PAGE_BYTES,
    itemKeyLength: START_BYTES + sequenceBytes,
    changelogKey: (rootKey, itemKey) => windowChangelogKey(keyTextOf(rootKey), itemKey)
  })
  const windows = windowProgress(spec, parts, retentionMs)
  return { name: spec.name, table, codec: parts.codec, windows, windowSizeMs, retentionMs, timeOrdered }
}

function windowProgress(spec: StoreSpec, parts: EngineParts, retentionMs: number, keepsBound = false): WindowProgress {
  const isInclusive = spec.retentionInclusive === true
  return new WindowProgress(parts.observedMs, retentionMs, timeBucketMs(retentionMs), isInclusive, keepsBound)
}

function required(spec: StoreSpec, field: 'windowSizeMs' | 'retentionMs' | 'historyRetentionMs'): number {
  const value = spec[field]
  if (value !== undefined) return value
  throw new StreamsError('TOPOLOGY_WINDOW_INVALID', `Store '${spec.name}' lacks its ${field}. Declare it.`, {
    details: { store: spec.name, kind: spec.kind, field }
  })
}
