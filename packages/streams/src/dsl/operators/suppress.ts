import {
  type Change,
  type NodeState,
  type Processor,
  type ProcessorContext,
  type Serde,
  type StreamRecord,
  StreamsError,
  type ValueAndTimestamp,
  type Windowed
} from '../../core/index.ts'
import { changelogTopicName, checkNodeOptions, legalName, type StoreSpec } from '../../topology/index.ts'
import type { DerivedHandle } from '../add-table-step.ts'
import { GraphNode } from '../graph/graph-node.ts'
import type { NamedOptions } from '../materialized.ts'
import { resolveSerde } from '../resolve-serde.ts'
import type { ExactSerde } from '../sink-serde.ts'
import { SuppressBuffer } from '../suppress/suppress-buffer.ts'
import { type BufferedChange, bufferKeySerde, bufferRowSerde } from '../suppress/suppress-buffer-serdes.ts'
import type { Suppressed } from '../suppressed.ts'
import type { TableReader, TableReaderSupplier, TableView } from '../table/table-view.ts'
import type { TableHandle } from '../table-handle.ts'

/** How what is held back is stored. */
export interface SuppressOptions<K, V> extends NamedOptions {
  /** Default: the table's. */
  readonly key?: ExactSerde<K> | undefined
  /** Default: the table's; needed where an operator above may have changed the type. */
  readonly value?: ExactSerde<V> | undefined
  /** False: no changelog, what is held is lost with the machine. An object: topic configs over the defaults. Default true. */
  readonly changelog?: boolean | Readonly<Record<string, string>> | undefined
}

/** Documented at `KTable.suppress`. */
export function suppress<K, V>(
  table: TableHandle<K, V>,
  suppressed: Suppressed,
  options: SuppressOptions<K, V> = {}
): TableHandle<K, V, DerivedHandle<K, V>> {
  checkNodeOptions('suppress()', options, ['name', 'key', 'value', 'changelog'])
  if (suppressed?.kind !== 'time-limit' && suppressed?.kind !== 'window-closes') {
    throw new StreamsError('TOPOLOGY_INVALID', 'suppress() takes untilTimeLimit(…) or untilWindowCloses().')
  }
  if (table.view.isVersioned === true) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `suppress() cannot hold back updates of the versioned table of node '${table.node.name}'. Use a table without history.`,
      { details: { node: table.node.name } }
    )
  }
  const { graph } = table
  // A name that is given uses up no number here, unlike elsewhere.
  const name = options.name === undefined ? graph.names.processor('KTABLE-SUPPRESS-') : legalName(options.name, 'node')
  const delayMs = suppressed.kind === 'time-limit' ? suppressed.timeLimitMs : windowCloseDelayMs(table.node, name)
  if (delayMs === Number.POSITIVE_INFINITY) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `suppress() of node '${name}' waits until windows close, but unlimited windows never do. Use untilTimeLimit(…).`,
      { details: { node: name } }
    )
  }
  const storeName =
    options.name === undefined ? graph.names.store('KTABLE-SUPPRESS-') : legalName(`${name}-store`, 'store')
  const key = resolveSerde<K>('key', options.key, table.key, name, 'suppress()')
  const value = resolveSerde<V>('value', options.value, table.value, name, 'suppress()')
  const store = bufferStore(storeName, key, value, options.changelog)
  // What is emitted has to tell what was there before.
  table.view.sendOldValues(true)
  const supplier = () => new SuppressProcessor<K, V>(store, suppressed, delayMs)
  const node = new GraphNode(name, { kind: 'processor', supplier, stores: () => [store] })
  graph.add(node, table.node)
  const view = new SuppressView<K, V>(table.view, storeName)
  return { graph, node, key, value, sources: table.sources, view, store: undefined }
}

function bufferStore<K, V>(
  name: string,
  key: Serde<K>,
  value: Serde<V>,
  changelog: SuppressOptions<K, V>['changelog'] = true
): StoreSpec {
  return {
    name,
    kind: 'ordered-key-value',
    key: bufferKeySerde(key),
    value: bufferRowSerde(value),
    persistent: true,
    caching: false,
    changelog:
      changelog === false ? undefined : { sourceTopic: undefined, topicConfig: changelog === true ? {} : changelog },
    windowSizeMs: undefined,
    retentionMs: undefined
  }
}

/**
 * How long after their end the windows above are closed: all ways up must lead to an aggregation of windows.
 *
 * @see Kafka Streams `GraphGraceSearchUtil`
 */
function windowCloseDelayMs(node: GraphNode, suppressName: string): number {
  const own = node.traits.windowCloseDelayMs
  if (own !== undefined) return own
  if (node.parents.size === 0) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `suppress() of node '${suppressName}' waits until windows close, but the table does not come from an aggregation of windows. Use untilTimeLimit(…).`,
      { details: { node: suppressName } }
    )
  }
  return Math.max(...[...node.parents].map(parent => windowCloseDelayMs(parent, suppressName)))
}

class SuppressView<K, V> implements TableView<K, V> {
  readonly #parent: TableView<K, V>
  readonly #storeName: string

  constructor(parent: TableView<K, V>, storeName: string) {
    this.#parent = parent
    this.#storeName = storeName
  }

  reader(): TableReaderSupplier<K, V> {
    const parent = this.#parent.reader()
    const stores = [this.#storeName, ...parent.stores]
    return { stores, create: () => new SuppressReader(this.#storeName, parent.create()) }
  }

  sendOldValues(force: boolean): boolean {
    return this.#parent.sendOldValues(force)
  }
}

/** The table as far as it was emitted: what is held back has still its old value. */
class SuppressReader<K, V> implements TableReader<K, V> {
  private readonly storeName: string
  private readonly parent: TableReader<K, V>
  private buffer!: SuppressBuffer<K, V>

  constructor(storeName: string, parent: TableReader<K, V>) {
    this.storeName = storeName
    this.parent = parent
  }

  init(context: ProcessorContext<any, any>): void {
    this.parent.init(context)
    this.buffer = new SuppressBuffer(context.getStateStore(this.storeName), { counts: false, sizeOf: undefined })
  }

  get(key: K): ValueAndTimestamp<V> | undefined {
    const held = this.buffer.get(key)
    if (held === undefined) return this.parent.getForwarded(key)
    // The buffer does not know when the old value was set; as in Kafka Streams it is older than all others.
    return held.prior === null ? undefined : { value: held.prior, timestampMs: -1 }
  }

  getForwarded(key: K): ValueAndTimestamp<V> | undefined {
    return this.get(key)
  }

  close(): void {
    this.parent.close?.()
  }
}

class SuppressProcessor<K, V> implements Processor<K, Change<V>, K, Change<V>> {
  private readonly spec: StoreSpec
  private readonly suppressed: Suppressed
  private readonly delayMs: number
  private readonly isFinal: boolean
  private context!: ProcessorContext<K, Change<V>>
  private buffer!: SuppressBuffer<K, V>
  /** Of this operator; it survives restarts. */
  private streamTime!: NodeState

  constructor(spec: StoreSpec, suppressed: Suppressed, delayMs: number) {
    this.spec = spec
    this.suppressed = suppressed
    this.delayMs = delayMs
    this.isFinal = suppressed.kind === 'window-closes'
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    const { maxRecords, maxBytes } = this.suppressed
    const { name, key: keySerde, value: rowSerde } = this.spec
    this.context = context
    this.streamTime = context.nodeState('streamTime', -1)
    const topic = changelogTopicName(name, context.applicationId)
    const [keyContext, valueContext] = [
      { topic, isKey: true },
      { topic, isKey: false }
    ]
    this.buffer = new SuppressBuffer(context.getStateStore(name), {
      counts: maxRecords !== Number.POSITIVE_INFINITY || maxBytes !== Number.POSITIVE_INFINITY,
      sizeOf:
        maxBytes === Number.POSITIVE_INFINITY
          ? undefined
          : (key, row) => keySerde.serialize(key, keyContext).length + rowSerde.serialize(row, valueContext).length
    })
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { streamTime, buffer, delayMs } = this
    if (record.timestampMs > streamTime.value) streamTime.value = record.timestampMs
    buffer.put(this.isFinal ? this.windowEndMs(record.key) : record.timestampMs, record)

    const dueMs = streamTime.value - delayMs
    buffer.evictWhile(timeMs => timeMs <= dueMs, this.emit)
    if (!this.isFull()) return
    if (this.suppressed.whenFull === 'shutDown') throw this.bufferFull()
    buffer.evictWhile(() => this.isFull(), this.emit)
  }

  private windowEndMs(key: K): number {
    const { endMs } = key as Windowed<unknown>
    if (Number.isSafeInteger(endMs)) return endMs
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `Node '${this.context.nodeName}' waits until windows close, but got the key ${JSON.stringify(key)}, which is no window. Keep the windowed key, or use untilTimeLimit(…).`
    )
  }

  private readonly emit = (key: K, { before, after, timestampMs, headers }: BufferedChange<V>): void => {
    if (this.isFinal && after === null) return
    this.context.forward({ key, value: { before, after, isLatest: true }, timestampMs, headers })
  }

  private isFull(): boolean {
    const { buffer, suppressed } = this
    return buffer.records > suppressed.maxRecords || buffer.bytes > suppressed.maxBytes
  }

  private bufferFull(): StreamsError {
    const { records, bytes } = this.buffer
    const { maxRecords, maxBytes } = this.suppressed
    const limit =
      records > maxRecords ? `${records} keys, of at most ${maxRecords}` : `${bytes} bytes, of at most ${maxBytes}`
    return new StreamsError(
      'STATE_BUFFER_FULL',
      `The buffer of suppress() in node '${this.context.nodeName}' holds ${limit}. Raise the limit, or let it emit early.`,
      { details: { node: this.context.nodeName, records, bytes, maxRecords, maxBytes } }
    )
  }
}
