import {
  checkOptions,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
  StreamsError
} from '../../core/index.ts'
import { checkFunction } from '../add-step.ts'
import { GraphNode } from '../graph/graph-node.ts'
import { joinableStream } from '../join-repartition.ts'
import type { NamedOptions } from '../materialized.ts'
import type { ExactSerde } from '../sink-serde.ts'
import type { StreamHandle } from '../stream-handle.ts'
import type { TableReader, TableReaderSupplier } from '../table/table-view.ts'
import type { TableHandle } from '../table-handle.ts'

export interface JoinedOptions<K, V> extends NamedOptions {
  /** Names the node, and the repartition topic if one is needed. */
  readonly name?: string | undefined
  /** Serdes of the stream, for a repartition topic; default: the stream's. */
  readonly key?: ExactSerde<K> | undefined
  readonly value?: ExactSerde<V> | undefined
}

/**
 * Joins each record with the row that the table has for its key at that moment. Records without a row give nothing.
 *
 * Updates of the table give no output by themselves. Records with a null key or null value are dropped. The result has the
 * record's timestamp and headers. Stream and table must have equal partition counts; an operator above that may have changed
 * the key puts a repartition topic before the join.
 *
 * @param joiner - Gets the record's value, the row's value and the key. Synchronous.
 * @throws StreamsError `TOPOLOGY_SERDE_MISSING`; at start `TOPOLOGY_NOT_COPARTITIONED`
 * @see Kafka Streams `KStream#join(KTable, …)`
 */
export function streamTableJoin<K, V, VT, VR>(
  up: StreamHandle<K, V>,
  table: TableHandle<K, VT>,
  joiner: (value: V, row: VT, key: K) => VR,
  options: JoinedOptions<K, V> = {}
): StreamHandle<K, VR> {
  return addJoin('join', up, table, joiner, false, options)
}

/**
 * Joins each record with the row that the table has for its key at that moment, or with null if it has none. Records with a
 * null key are joined with null; records with a null value are dropped. Otherwise as `join`.
 *
 * @see Kafka Streams `KStream#leftJoin(KTable, …)`
 */
export function streamTableLeftJoin<K, V, VT, VR>(
  up: StreamHandle<K, V>,
  table: TableHandle<K, VT>,
  joiner: (value: V, row: VT | null, key: K) => VR,
  options: JoinedOptions<K, V> = {}
): StreamHandle<K, VR> {
  return addJoin('leftJoin', up, table, joiner, true, options)
}

function addJoin<K, V, VT, VR>(
  operator: string,
  stream: StreamHandle<K, V>,
  table: TableHandle<K, VT>,
  joiner: (value: V, row: any, key: K) => VR,
  isLeft: boolean,
  options: JoinedOptions<K, V>
): StreamHandle<K, VR> {
  checkOptions(`${operator}()`, options, ['name', 'key', 'value'])
  checkFunction(operator, 'joiner', joiner)
  const { graph } = stream
  if (table.graph !== graph) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `${operator}() takes a table of the same StreamsBuilder; this one is of another.`
    )
  }
  const left = joinableStream(stream, {
    operator,
    prefix: options.name,
    key: options.key as StreamHandle<K, V>['key'],
    value: options.value as StreamHandle<K, V>['value']
  })
  const sources = new Set([...left.sources, ...table.sources])
  const name = graph.names.orGenerate(options.name, isLeft ? 'KSTREAM-LEFTJOIN-' : 'KSTREAM-JOIN-')
  graph.copartitioned.push({ node: name, sources })
  const reader = table.view.reader()
  const node = new GraphNode(
    name,
    {
      kind: 'processor',
      supplier: () => new StreamTableJoinProcessor(reader, joiner, isLeft),
      connected: reader.stores
    },
    { takesNullKeys: isLeft }
  )
  graph.add(node, left.node)
  const key = (options.key ?? left.key) as StreamHandle<K, VR>['key']
  return { graph, node, sources, key, value: undefined, needsRepartition: false }
}

class StreamTableJoinProcessor<K, V, VT, VR> implements Processor<K, V, K, VR> {
  private readonly joiner: (value: V, row: VT | null, key: K) => VR
  private readonly isLeft: boolean
  private readonly table: TableReader<K, VT>
  private context!: ProcessorContext<K, VR>

  constructor(reader: TableReaderSupplier<K, VT>, joiner: (value: V, row: VT | null, key: K) => VR, isLeft: boolean) {
    this.table = reader.create()
    this.joiner = joiner
    this.isLeft = isLeft
  }

  init(context: ProcessorContext<K, VR>): void {
    this.context = context
    this.table.init(context)
  }

  process(record: StreamRecord<K, V>): void {
    const { key, value } = record
    if (value === null || (key === null && !this.isLeft)) {
      this.context.drop('null-key-or-value')
      return
    }
    const row = key === null ? undefined : this.table.get(key)
    if (row === undefined && !this.isLeft) return
    const joined = (this.joiner(value, row === undefined ? null : row.value, key) ?? null) as VR
    this.context.forward({ key, value: joined, timestampMs: record.timestampMs, headers: record.headers })
  }
}
