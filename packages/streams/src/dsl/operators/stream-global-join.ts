import {
  checkOptions,
  type Processor,
  type ProcessorContext,
  type ReadOnlyKeyValueStore,
  type StreamRecord,
  StreamsError,
  type ValueAndTimestamp
} from '../../core/index.ts'
import { addStep, checkFunction } from '../add-step.ts'
import type { NamedOptions } from '../materialized.ts'
import type { StreamHandle } from '../stream-handle.ts'
import type { GlobalTableHandle } from './global-table.ts'

type Selector<K, V, KG> = (key: K, value: V) => KG | null | undefined

/**
 * Joins each record with the row that a global table has, at that moment, for a key computed from the record. Records
 * without such a key or row give nothing.
 *
 * Nothing is repartitioned: every instance holds the whole table. Updates of the table give no output by themselves.
 * Records with a null value are dropped; a null record key is fine. The result keeps key, timestamp and headers.
 *
 * @param selector - Gives the key to look up; null or undefined drops the record. Synchronous.
 * @param joiner - Gets the record's value, the row's value and the record's key. Synchronous.
 * @throws StreamsError `TOPOLOGY_INVALID`
 * @see Kafka Streams `KStream#join(GlobalKTable, …)`
 */
export function streamGlobalJoin<K, V, KG, VG, VR>(
  up: StreamHandle<K, V>,
  table: GlobalTableHandle<KG, VG>,
  selector: Selector<K, V, KG>,
  joiner: (value: V, row: VG, key: K) => VR,
  options: NamedOptions = {}
): StreamHandle<K, VR> {
  return addJoin('join', up, table, selector, joiner as Joiner, false, options)
}

/**
 * Joins each record with the row that a global table has for a key computed from the record, or with null when there is no
 * such row or key. Records with a null value are dropped. Otherwise as `join`.
 *
 * @see Kafka Streams `KStream#leftJoin(GlobalKTable, …)`
 */
export function streamGlobalLeftJoin<K, V, KG, VG, VR>(
  up: StreamHandle<K, V>,
  table: GlobalTableHandle<KG, VG>,
  selector: Selector<K, V, KG>,
  joiner: (value: V, row: VG | null, key: K) => VR,
  options: NamedOptions = {}
): StreamHandle<K, VR> {
  return addJoin('leftJoin', up, table, selector, joiner as Joiner, true, options)
}

type Joiner = (value: any, row: any, key: any) => any

function addJoin<K, V, VR>(
  operator: string,
  up: StreamHandle<K, V>,
  table: GlobalTableHandle<any, any>,
  selector: Selector<K, V, unknown>,
  joiner: Joiner,
  isLeft: boolean,
  options: NamedOptions
): StreamHandle<K, VR> {
  checkOptions(`${operator}()`, options, ['name'])
  checkFunction(operator, 'key selector', selector)
  checkFunction(operator, 'joiner', joiner)
  const { graph, key, sources, needsRepartition } = up
  if (table.graph !== graph) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `${operator}() takes a global table of the same StreamsBuilder; this one is of another.`
    )
  }
  const { storeName } = table
  const supplier = () => new StreamGlobalJoinProcessor<K, V, VR>(storeName, selector, joiner, isLeft)
  // Kafka Streams has this name for inner joins too.
  const prefix = 'KSTREAM-LEFTJOIN-'
  const node = addStep(up, { operator, prefix, options, supplier, traits: { changesValue: true } })
  return { graph, node, sources, key, value: undefined, needsRepartition }
}

class StreamGlobalJoinProcessor<K, V, VR> implements Processor<K, V, K, VR> {
  private readonly storeName: string
  private readonly selector: Selector<K, V, unknown>
  private readonly joiner: Joiner
  private readonly isLeft: boolean
  private context!: ProcessorContext<K, VR>
  private store!: ReadOnlyKeyValueStore<unknown, ValueAndTimestamp<unknown>>

  constructor(storeName: string, selector: Selector<K, V, unknown>, joiner: Joiner, isLeft: boolean) {
    this.storeName = storeName
    this.selector = selector
    this.joiner = joiner
    this.isLeft = isLeft
  }

  init(context: ProcessorContext<K, VR>): void {
    this.context = context
    this.store = context.getStateStore(this.storeName)
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value, timestampMs, headers } = record
    if (value === null) {
      this.context.drop('null-value')
      return
    }
    const selected = this.selector(key, value) ?? null
    if (selected === null && !this.isLeft) {
      this.context.drop('null-key')
      return
    }
    const row = selected === null ? undefined : this.store.get(selected)
    if (row === undefined && !this.isLeft) return
    const joined = this.joiner(value, row === undefined ? null : row.value, key) ?? null
    this.context.forward({ key, value: joined, timestampMs, headers })
  }
}
