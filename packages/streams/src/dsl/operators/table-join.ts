import {
  type Change,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
  StreamsError,
  type ValueAndTimestamp
} from '../../core/index.ts'
import { checkFunction } from '../add-step.ts'
import type { DerivedHandle } from '../add-table-step.ts'
import { GraphNode } from '../graph/graph-node.ts'
import {
  checkMaterialized,
  historyRetentionMs,
  isMaterialized,
  keyValueHandle,
  keyValueStore,
  type MaterializedOptions,
  storeName
} from '../materialized.ts'
import { resolveSerde } from '../resolve-serde.ts'
import { ChangeForwarder } from '../table/change-forwarder.ts'
import { storeReader } from '../table/store-reader.ts'
import { openTableStore, type TableStore } from '../table/table-store.ts'
import type { TableReader, TableReaderSupplier, TableView } from '../table/table-view.ts'
import type { TableHandle } from '../table-handle.ts'

type Joiner<K, V, VO, VR> = (value: V, other: VO, key: K) => VR

/** Documented at `KTable.join`. */
export function tableJoin<K, V, VO, VR>(
  table: TableHandle<K, V>,
  other: TableHandle<K, VO>,
  joiner: Joiner<K, V, VO, VR>,
  options: MaterializedOptions<K, NonNullable<VR>> = {}
): TableHandle<K, NonNullable<VR>, DerivedHandle<K, NonNullable<VR>>> {
  return addJoin('join', table, other, joiner, true, true, options)
}

/** Documented at `KTable.leftJoin`. */
export function tableLeftJoin<K, V, VO, VR>(
  table: TableHandle<K, V>,
  other: TableHandle<K, VO>,
  joiner: Joiner<K, V, VO | null, VR>,
  options: MaterializedOptions<K, NonNullable<VR>> = {}
): TableHandle<K, NonNullable<VR>, DerivedHandle<K, NonNullable<VR>>> {
  return addJoin('leftJoin', table, other, joiner, true, false, options)
}

/** Documented at `KTable.outerJoin`. */
export function tableOuterJoin<K, V, VO, VR>(
  table: TableHandle<K, V>,
  other: TableHandle<K, VO>,
  joiner: Joiner<K, V | null, VO | null, VR>,
  options: MaterializedOptions<K, NonNullable<VR>> = {}
): TableHandle<K, NonNullable<VR>, DerivedHandle<K, NonNullable<VR>>> {
  return addJoin('outerJoin', table, other, joiner, false, false, options)
}

const MERGE = 'KTABLE-MERGE-'

function addJoin<K, V, VO, VR>(
  operator: string,
  table: TableHandle<K, V>,
  other: TableHandle<K, VO>,
  joiner: Joiner<K, any, any, VR>,
  needsLeft: boolean,
  needsRight: boolean,
  options: MaterializedOptions<K, NonNullable<VR>>
): TableHandle<K, NonNullable<VR>, DerivedHandle<K, NonNullable<VR>>> {
  checkMaterialized(`${operator}()`, options)
  checkFunction(operator, 'joiner', joiner)
  const { graph } = table
  if (other.graph !== graph) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `${operator}() takes a table of the same StreamsBuilder; this one is of another.`
    )
  }
  const store = isMaterialized(options) ? storeName(graph, options, MERGE) : undefined
  const name = graph.names.orGenerate(options.name, MERGE)
  const sources = new Set([...table.sources, ...other.sources])
  graph.copartitioned.push({ node: name, sources })
  if (!needsRight) table.view.sendOldValues(true)
  if (!needsLeft) other.view.sendOldValues(true)

  const view = new JoinView<K, V, VO, NonNullable<VR>>({
    left: table.view,
    right: other.view,
    joiner: joiner as Joiner<K, V | null, VO | null, NonNullable<VR> | null>,
    needsLeft,
    needsRight,
    storeName: store?.name,
    historyRetentionMs: store && historyRetentionMs(store.name, options)
  })
  const thisName = graph.names.suffixedOrGenerate(options.name, '-join-this', 'KTABLE-JOINTHIS-')
  const otherName = graph.names.suffixedOrGenerate(options.name, '-join-other', 'KTABLE-JOINOTHER-')
  const key = (options.key ?? table.key) as TableHandle<K, VR>['key']
  const value = options.value as TableHandle<K, NonNullable<VR>>['value']
  const spec =
    store === undefined
      ? undefined
      : keyValueStore(
          store.name,
          resolveSerde<K>('key', options.key, table.key, name, `${operator}()`),
          resolveSerde<NonNullable<VR>>('value', options.value, undefined, name, `${operator}()`),
          options
        )
  const node = new GraphNode(name, {
    kind: 'processor-group',
    steps: [
      {
        name: thisName,
        parents: [table.node.name],
        supplier: () => view.createSide('left'),
        connected: view.rightReader.stores
      },
      {
        name: otherName,
        parents: [other.node.name],
        supplier: () => view.createSide('right'),
        connected: view.leftReader.stores
      },
      { name, parents: [thisName, otherName], supplier: () => view.createMerger() }
    ],
    stores: () => (spec === undefined ? [] : [{ spec, processors: [name] }])
  })
  graph.add(node, table.node, other.node)
  const handle = store?.isNamed === true && spec !== undefined ? keyValueHandle<K, NonNullable<VR>>(spec) : undefined
  return { graph, node, key, value, sources, view, store: handle }
}

interface JoinViewOptions<K, V, VO, VR> {
  readonly left: TableView<K, V>
  readonly right: TableView<K, VO>
  readonly joiner: Joiner<K, V | null, VO | null, VR | null>
  readonly needsLeft: boolean
  readonly needsRight: boolean
  readonly storeName: string | undefined
  /** Of its own store: without one it is not versioned, whatever the two tables are. */
  readonly historyRetentionMs: number | undefined
}

class JoinView<K, V, VO, VR> implements TableView<K, VR> {
  readonly leftReader: TableReaderSupplier<K, V>
  readonly rightReader: TableReaderSupplier<K, VO>
  readonly #options: JoinViewOptions<K, V, VO, VR>
  #sendsOldValues = false

  constructor(options: JoinViewOptions<K, V, VO, VR>) {
    this.#options = options
    this.leftReader = options.left.reader()
    this.rightReader = options.right.reader()
  }

  get isVersioned(): boolean {
    return this.historyRetentionMs !== undefined
  }

  get historyRetentionMs(): number | undefined {
    return this.#options.historyRetentionMs
  }

  reader(): TableReaderSupplier<K, VR> {
    const { storeName } = this.#options
    if (storeName !== undefined) return storeReader(storeName)
    const { leftReader, rightReader } = this
    return {
      stores: [...new Set([...leftReader.stores, ...rightReader.stores])],
      create: () => new JoinReader(leftReader.create(), rightReader.create(), this.#options)
    }
  }

  /** The result before an update is made of the rows before it, so both tables have to tell them. */
  sendOldValues(): boolean {
    this.#options.left.sendOldValues(true)
    this.#options.right.sendOldValues(true)
    this.#sendsOldValues = true
    return true
  }

  createSide(side: 'left' | 'right'): Processor<K, Change<any>, K, Change<VR>> {
    const { joiner, needsLeft, needsRight, left, right } = this.#options
    const sendsOldValues = this.#sendsOldValues
    return side === 'left'
      ? new TableJoinProcessor<K, V, VO, VR>(this.rightReader.create(), joiner, {
          needsThis: needsLeft,
          needsOther: needsRight,
          skipsOutOfOrder: left.isVersioned === true,
          sendsOldValues
        })
      : new TableJoinProcessor<K, VO, V, VR>(
          this.leftReader.create(),
          (other, value, key) => joiner(value, other, key),
          {
            needsThis: needsRight,
            needsOther: needsLeft,
            skipsOutOfOrder: right.isVersioned === true,
            sendsOldValues
          }
        )
  }

  createMerger(): Processor<K, Change<VR>, K, Change<VR>> {
    return new JoinMerger(this.#options.storeName, this.#sendsOldValues, this.isVersioned)
  }
}

class JoinReader<K, V, VO, VR> implements TableReader<K, VR> {
  private readonly left: TableReader<K, V>
  private readonly right: TableReader<K, VO>
  private readonly options: JoinViewOptions<K, V, VO, VR>

  constructor(left: TableReader<K, V>, right: TableReader<K, VO>, options: JoinViewOptions<K, V, VO, VR>) {
    this.left = left
    this.right = right
    this.options = options
  }

  init(context: ProcessorContext<any, any>): void {
    this.left.init(context)
    this.right.init(context)
  }

  get(key: K): ValueAndTimestamp<VR> | undefined {
    return this.joined(key, this.left.get(key), this.right.get(key))
  }

  getForwarded(key: K): ValueAndTimestamp<VR> | undefined {
    return this.joined(key, this.left.getForwarded(key), this.right.getForwarded(key))
  }

  close(): void {
    this.left.close?.()
    this.right.close?.()
  }

  private joined(
    key: K,
    left: ValueAndTimestamp<V> | undefined,
    right: ValueAndTimestamp<VO> | undefined
  ): ValueAndTimestamp<VR> | undefined {
    if (left === undefined && (this.options.needsLeft || right === undefined)) return undefined
    if (right === undefined && this.options.needsRight) return undefined
    const value = this.options.joiner(left?.value ?? null, right?.value ?? null, key) ?? null
    if (value === null) return undefined
    return { value, timestampMs: Math.max(left?.timestampMs ?? -1, right?.timestampMs ?? -1) }
  }
}

interface JoinSide {
  /** Whether the result needs a row of the table whose updates come here. */
  readonly needsThis: boolean
  readonly needsOther: boolean
  readonly skipsOutOfOrder: boolean
  readonly sendsOldValues: boolean
}

/** Joins the updates of one table with the rows of the other. */
class TableJoinProcessor<K, V, VO, VR> implements Processor<K, Change<V>, K, Change<VR>> {
  private readonly other: TableReader<K, VO>
  private readonly joiner: Joiner<K, V | null, VO | null, VR | null>
  private readonly needsThis: boolean
  private readonly needsOther: boolean
  private readonly skipsOutOfOrder: boolean
  private readonly sendsOldValues: boolean
  private context!: ProcessorContext<K, Change<VR>>

  constructor(other: TableReader<K, VO>, joiner: Joiner<K, V | null, VO | null, VR | null>, side: JoinSide) {
    this.other = other
    this.joiner = joiner
    this.needsThis = side.needsThis
    this.needsOther = side.needsOther
    this.skipsOutOfOrder = side.skipsOutOfOrder
    this.sendsOldValues = side.sendsOldValues
  }

  init(context: ProcessorContext<K, Change<VR>>): void {
    this.context = context
    this.other.init(context)
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { key, value: change, headers } = record
    if (key === null) {
      this.context.drop('null-key')
      return
    }
    if (this.skipsOutOfOrder && !change.isLatest) {
      this.context.drop('late')
      return
    }
    // Not a newer one: with a cache, changes on both sides would else miss each other, or take out what was never added.
    const row = this.other.getForwarded(key)
    if (row === undefined && (this.needsOther || (change.before === null && change.after === null))) return
    const other = row === undefined ? null : row.value
    const timestampMs = row === undefined ? record.timestampMs : Math.max(record.timestampMs, row.timestampMs)
    const after = this.joined(key, change.after, other)
    const before = this.sendsOldValues ? this.joined(key, change.before, other) : null
    this.context.forward({ key, value: { before, after, isLatest: change.isLatest }, timestampMs, headers })
  }

  close(): void {
    this.other.close?.()
  }

  private joined(key: K, value: V | null, other: VO | null): VR | null {
    if (value === null && (this.needsThis || other === null)) return null
    return this.joiner(value, other, key) ?? null
  }
}

/** Where both sides meet, and where the result is stored if it is. */
class JoinMerger<K, V> implements Processor<K, Change<V>, K, Change<V>> {
  private readonly storeName: string | undefined
  private readonly sendsOldValues: boolean
  private readonly isVersioned: boolean
  private context!: ProcessorContext<K, Change<V>>
  private store: TableStore<K, V> | undefined
  private forwarder!: ChangeForwarder<K, V>

  constructor(storeName: string | undefined, sendsOldValues: boolean, isVersioned: boolean) {
    this.storeName = storeName
    this.sendsOldValues = sendsOldValues
    this.isVersioned = isVersioned
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.context = context
    if (this.storeName === undefined) return
    this.store = openTableStore<K, V>(context, this.storeName)
    this.forwarder = new ChangeForwarder(context, this.store, this.sendsOldValues)
  }

  process(record: StreamRecord<K, Change<V>>): void {
    if (this.store === undefined) {
      this.context.forward(record)
      return
    }
    const { key, value: change, timestampMs, headers } = record
    // With history the row before is the latest one there: the tables may have updated theirs out of order since.
    const before = this.isVersioned && this.sendsOldValues ? (this.store.get(key)?.value ?? null) : change.before
    const put = this.store.put(key, change.after, timestampMs, headers)
    this.forwarder.forwardPut(key, before, change.after, timestampMs, headers, put)
  }
}
