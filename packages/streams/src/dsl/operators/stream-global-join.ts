import {
  type Processor,
  type ProcessorContext,
  type ReadOnlyKeyValueStore,
  type StreamRecord,
  StreamsError,
  type ValueAndTimestamp
} from '../../core/index.ts'
import { checkNodeOptions } from '../../topology/index.ts'
import { addStep, checkFunction } from '../add-step.ts'
import type { NamedOptions } from '../materialized.ts'
import type { StreamHandle } from '../stream-handle.ts'
import type { GlobalTableHandle } from './global-table.ts'

type Selector<K, V, KG> = (key: K, value: V) => KG | null | undefined

/** Documented at `KStream.join` with a global table. */
export function streamGlobalJoin<K, V, KG, VG, VR>(
  up: StreamHandle<K, V>,
  table: GlobalTableHandle<KG, VG>,
  selector: Selector<K, V, KG>,
  joiner: (value: V, row: VG, key: K) => VR,
  options: NamedOptions = {}
): StreamHandle<K, VR> {
  return addJoin('join', up, table, selector, joiner as Joiner, false, options)
}

/** Documented at `KStream.leftJoin` with a global table. */
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
  checkNodeOptions(`${operator}()`, options, ['name'])
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
