import {
  type Change,
  type Processor,
  type ProcessorContext,
  type SerdeContext,
  type StreamRecord
} from '../../core/index.ts'
import { checkNodeOptions, type AnySerde } from '../../topology/index.ts'
import { checkFunction } from '../add-step.ts'
import { GraphNode } from '../graph/graph-node.ts'
import { resolveSerde } from '../resolve-serde.ts'
import type { GroupedTableHandle, TableHandle } from '../table-handle.ts'
import { GROUPED_OPTIONS, type GroupedOptions } from './group-by-key.ts'

type Selector<K, V, KR, VR> = (key: K, value: V) => readonly [KR, VR]

/** Documented at `KTable.groupBy`. */
export function tableGroupBy<K, V, KR, VR, KG = KR, VG = VR>(
  table: TableHandle<K, V>,
  selector: Selector<K, V, KR, VR>,
  options: GroupedOptions<KR, VR, KG, VG> = {}
): GroupedTableHandle<NonNullable<KG>, NonNullable<VG>> {
  checkNodeOptions('groupBy()', options, GROUPED_OPTIONS)
  checkFunction('groupBy', 'selector', selector)
  const { graph } = table
  const name = graph.names.orGenerate(options.name, 'KTABLE-SELECT-')
  const key = resolveSerde<NonNullable<KG>>('key', options.key, undefined, name, 'groupBy()')
  const value = resolveSerde<NonNullable<VG>>('value', options.value, undefined, name, 'groupBy()')
  const isVersioned = table.view.isVersioned === true
  const node = new GraphNode(name, {
    kind: 'processor',
    supplier: () => new TableGroupByProcessor(selector, key, isVersioned, () => repartitionSuffix(grouped))
  })
  graph.add(node, table.node)
  table.view.sendOldValues(true)
  const grouped: GroupedTableHandle<NonNullable<KG>, NonNullable<VG>> = { graph, node, key, value, name: options.name }
  return grouped
}

/** Of the topic that the groups go through, which an aggregation adds; undefined when there is none. */
function repartitionSuffix({ repartition }: GroupedTableHandle<unknown, unknown>): string | undefined {
  return repartition?.logical.kind === 'repartition' ? repartition.logical.suffix : undefined
}

class TableGroupByProcessor<K, V, KR, VR> implements Processor<K, Change<V>, KR, Change<VR>> {
  private readonly selector: Selector<K, V, KR, VR>
  private readonly keySerde: AnySerde
  private readonly skipsOutOfOrder: boolean
  private readonly suffix: () => string | undefined
  private context!: ProcessorContext<KR, Change<VR>>
  private keyContext: SerdeContext | undefined

  constructor(
    selector: Selector<K, V, KR, VR>,
    keySerde: AnySerde,
    skipsOutOfOrder: boolean,
    suffix: () => string | undefined
  ) {
    this.selector = selector
    this.keySerde = keySerde
    this.skipsOutOfOrder = skipsOutOfOrder
    this.suffix = suffix
  }

  init(context: ProcessorContext<KR, Change<VR>>): void {
    this.context = context
    const suffix = this.suffix()
    this.keyContext = suffix === undefined ? undefined : { topic: `${context.applicationId}-${suffix}`, isKey: true }
  }

  process(record: StreamRecord<K, Change<V>>): void {
    const { value: change, timestampMs, headers } = record
    const { isLatest } = change
    // An aggregate is of the latest rows.
    if (this.skipsOutOfOrder && !isLatest) {
      this.context.drop('late')
      return
    }
    const before = this.selected(record.key, change.before)
    const after = this.selected(record.key, change.after)
    if (before !== undefined && after !== undefined && this.areEqual(before[0], after[0])) {
      const value = { before: before[1], after: after[1], isLatest }
      this.context.forward({ key: before[0], value, timestampMs, headers })
      return
    }
    if (before !== undefined) {
      const value = { before: before[1], after: null, isLatest }
      this.context.forward({ key: before[0], value, timestampMs, headers })
    }
    if (after !== undefined) {
      const value = { before: null, after: after[1], isLatest }
      this.context.forward({ key: after[0], value, timestampMs, headers })
    }
  }

  private selected(key: K, value: V | null): readonly [KR, VR] | undefined {
    if (value === null) return undefined
    const pair = this.selector(key, value)
    return (pair[0] ?? null) === null || (pair[1] ?? null) === null ? undefined : pair
  }

  /** Keys are equal if their bytes are. */
  private areEqual(a: KR, b: KR): boolean {
    if (a === b) return true
    if (typeof a !== 'object' || typeof b !== 'object') return false
    const context = this.keyContext
    if (context === undefined) return false
    const bytes = this.keySerde.serialize(a, context)
    const others = this.keySerde.serialize(b, context)
    return bytes.length === others.length && bytes.every((byte, index) => byte === others[index])
  }
}
