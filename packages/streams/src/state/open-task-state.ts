import { StreamsError } from '../core/index.ts'
import type { RawStore, RawWrite } from '../ports/index.ts'
import type { StoreSpec } from '../topology/index.ts'
import { CleanCache } from './clean-cache.ts'
import { createEngine } from './create-engine.ts'
import { latin1Bytes } from './latin1.ts'
import { MemoryRawStore } from './memory-raw-store.ts'
import { rowPrefix } from './raw-layout.ts'
import { RecordCache } from './record-cache.ts'
import { StoreCodec } from './store-codec.ts'
import { StoreDirectory } from './store-directory.ts'
import { StoreUnderTask, TaskStores } from './task-stores.ts'
import type { CacheFlushing, ChangelogAppender, TaskState } from './task-state.ts'

const DEFAULT_CLEAN_BYTES = 8 * 1024 * 1024

export interface TaskStateOptions {
  readonly taskId: string
  /** In topological order: the order in which caches are flushed. */
  readonly specs: readonly StoreSpec[]
  /** Holds the persistent stores; closed with the task state. */
  readonly raw: RawStore
  /** Undefined for a store whose changes go nowhere. Not asked for stores whose changelog is a source topic. */
  readonly changelog: (storeName: string) => ChangelogAppender | undefined
  /** What serdes are told as topic. */
  readonly changelogTopic: (storeName: string) => string
  /** For the record caches of all stores of the task; 0 turns them off. */
  readonly cacheBytes: number
  /** For entries that equal the raw store, over all stores of the task. Default 8 MiB. */
  readonly cleanBytes?: number
  /** Time of the record in work, for changelog records of stores without timestamps. Default: always 0. */
  readonly recordTimestampMs?: () => number
  /** Default: flushes go on as calls like others, and what is thrown in them is thrown on. */
  readonly flushing?: CacheFlushing
}

const PLAIN_FLUSHING: CacheFlushing = {
  run: flush => flush(),
  failed: (_storeName, error) => {
    throw error
  }
}

/**
 * Opens the stores of a task over one raw store.
 *
 * @throws StreamsError `STATE_FORMAT_UNKNOWN` when the raw store was written by another release; `STATE_LAYOUT_CHANGED` when a store
 *   without a changelog was declared otherwise by whoever wrote it.
 */
export async function openTaskState(options: TaskStateOptions): Promise<TaskState> {
  const memory = new MemoryRawStore()
  const directories = new Map<RawStore, StoreDirectory>([
    [options.raw, await StoreDirectory.read(options.raw, options.taskId)],
    [memory, new StoreDirectory()]
  ])
  const clean = new CleanCache(options.cleanBytes ?? DEFAULT_CLEAN_BYTES)
  const flushing = options.flushing ?? PLAIN_FLUSHING
  const cache = options.cacheBytes > 0 ? new RecordCache(options.cacheBytes, flush => flushing.run(flush)) : undefined
  const stores: StoreUnderTask[] = []
  const newIds: RawWrite[] = []
  for (const spec of options.specs) {
    const raw = spec.persistent ? options.raw : memory
    const directory = directories.get(raw) as StoreDirectory
    const { id, replaced } = directory.assign(spec, spec.persistent ? newIds : [])
    if (replaced !== undefined && spec.changelog === undefined)
      throw layoutChanged(options.taskId, spec, replaced.layout)
    const engine = createEngine(spec, {
      raw,
      prefix: rowPrefix(id),
      codec: new StoreCodec(spec.name, spec.key, spec.value, options.changelogTopic(spec.name)),
      changelog: spec.changelog?.sourceTopic === undefined ? options.changelog(spec.name) : undefined,
      clean,
      cache: spec.caching ? cache : undefined,
      isFlushing: () => cache?.isFlushing === true,
      flushFailed: error => flushing.failed(spec.name, error),
      observedMs: directory.integer('o', id) ?? -1,
      recordTimestampMs: options.recordTimestampMs ?? (() => 0)
    })
    engine.table.rowCount = directory.integer('n', id) ?? 0
    stores.push(new StoreUnderTask(spec, id, raw, engine, directory.integer('c', id)))
    if (replaced !== undefined) await clearReplaced(raw, replaced.id)
  }
  if (newIds.length > 0) await options.raw.write(newIds)
  return new TaskStores(options.taskId, stores, options.raw, memory)
}

/** The rows that a store left behind in its old layout; it is restored under its new id. */
async function clearReplaced(raw: RawStore, id: number): Promise<void> {
  const range = { from: latin1Bytes(rowPrefix(id)), to: latin1Bytes(rowPrefix(id + 1)) }
  const stepRows = 10_000
  while ((await raw.clear(range, stepRows)) === stepRows);
}

function layoutChanged(taskId: string, spec: StoreSpec, layout: string): StreamsError {
  return new StreamsError(
    'STATE_LAYOUT_CHANGED',
    `Store '${spec.name}' of task ${taskId} holds rows of layout '${layout}' and is declared as '${spec.kind}', and it has ` +
      'no changelog to be rebuilt from. Give the changed store another name, or delete its state.',
    { details: { taskId, store: spec.name, layout, kind: spec.kind } }
  )
}
