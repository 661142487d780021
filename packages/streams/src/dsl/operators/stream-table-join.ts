import {
  type Duration,
  durationMs,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
  StreamsError,
  type ValueAndTimestamp
} from '../../core/index.ts'
import { checkNodeOptions, legalName, type StoreSpec } from '../../topology/index.ts'
import { checkFunction } from '../add-step.ts'
import { GraphNode } from '../graph/graph-node.ts'
import { joinableStream } from '../join-repartition.ts'
import type { NamedOptions } from '../materialized.ts'
import { resolveSerde } from '../resolve-serde.ts'
import type { ExactSerde } from '../sink-serde.ts'
import { bufferedKeySerde, bufferedRecordSerde, GraceBuffer } from '../stream-join/grace-buffer.ts'
import type { StreamHandle } from '../stream-handle.ts'
import type { TableReader, TableReaderSupplier, TableView } from '../table/table-view.ts'
import type { TableHandle } from '../table-handle.ts'

/** How a stream is joined with a table. */
export interface JoinedOptions<K, V> extends NamedOptions {
  /** Names the node, and the repartition topic if one is needed. */
  readonly name?: string | undefined
  /** Serdes of the stream, for a repartition topic; default: the stream's. */
  readonly key?: ExactSerde<K> | undefined
  /** Default: the stream's. */
  readonly value?: ExactSerde<V> | undefined
  /**
   * Lets each record wait until stream time has passed its own by so long, so that updates of the table that come late
   * are found. The table must be versioned, with a history retention that is no shorter. What waits is kept in a store
   * with a changelog.
   *
   * @see Kafka Streams `Joined#withGracePeriod` (KIP-923)
   * @example
   * ```ts
   * const prices = builder.table('prices', { key: string(), value: json<number>(), historyRetention: '1h' })
   * builder
   *   .stream('sales', { key: string(), value: json<number>() })
   *   .join(prices, (count, price) => count * price, { grace: '10s' })
   *   .to('revenue', { value: json<number>() })
   * ```
   * ```text
   * prices tea:3@0 →
   * sales tea:2@5s →
   * prices tea:4@4s →
   * sales tea:1@15s → revenue tea:8@5s
   * ```
   */
  readonly grace?: Duration | undefined
}

/** Documented at `KStream.join` with a table. */
export function streamTableJoin<K, V, VT, VR>(
  up: StreamHandle<K, V>,
  table: TableHandle<K, VT>,
  joiner: (value: V, row: VT, key: K) => VR,
  options: JoinedOptions<K, V> = {}
): StreamHandle<K, VR> {
  return addJoin('join', up, table, joiner, false, options)
}

/** Documented at `KStream.leftJoin` with a table. */
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
  checkNodeOptions(`${operator}()`, options, ['name', 'key', 'value', 'grace'])
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
  const isVersioned = table.view.isVersioned === true
  const graceMs = options.grace === undefined ? undefined : checkedGrace(options.grace, name, table.view)
  const buffer = graceMs === undefined ? undefined : graceStore(`${name}-Buffer`, operator, name, left, options)
  const node = new GraphNode(
    name,
    {
      kind: 'processor',
      supplier: () =>
        new StreamTableJoinProcessor(reader, joiner, { isLeft, isVersioned, graceMs, bufferName: buffer?.name }),
      connected: reader.stores,
      stores: () => (buffer === undefined ? [] : [buffer])
    },
    { takesNullKeys: isLeft }
  )
  graph.add(node, left.node)
  const key = (options.key ?? left.key) as StreamHandle<K, VR>['key']
  return { graph, node, sources, key, value: undefined, needsRepartition: false }
}

/** @throws StreamsError `TOPOLOGY_INVALID` unless the table remembers at least as much as is waited for. */
function checkedGrace(grace: Duration, node: string, table: TableView<any, any>): number {
  const graceMs = durationMs(grace, `The grace of join '${node}'`)
  const { historyRetentionMs } = table
  let problem: string | undefined
  if (graceMs < 0) problem = 'A grace cannot be negative.'
  else if (historyRetentionMs === undefined) {
    problem = 'That takes a versioned table: give it a historyRetention.'
  } else if (historyRetentionMs < graceMs) {
    problem = `The table remembers only ${historyRetentionMs} ms: raise its historyRetention.`
  }
  if (problem === undefined) return graceMs
  throw new StreamsError('TOPOLOGY_INVALID', `Node '${node}' joins with a grace of ${graceMs} ms. ${problem}`, {
    details: { node, graceMs, historyRetentionMs }
  })
}

function graceStore<K, V>(
  name: string,
  operator: string,
  node: string,
  stream: StreamHandle<K, V>,
  options: JoinedOptions<K, V>
): StoreSpec {
  return {
    name: legalName(name, 'store'),
    kind: 'ordered-key-value',
    key: bufferedKeySerde(resolveSerde('key', options.key, stream.key, node, `${operator}()`)),
    value: bufferedRecordSerde(resolveSerde('value', options.value, stream.value, node, `${operator}()`)),
    persistent: true,
    caching: false,
    changelog: { sourceTopic: undefined, topicConfig: {} },
    windowSizeMs: undefined,
    retentionMs: undefined
  }
}

interface JoinBehaviour {
  readonly isLeft: boolean
  readonly isVersioned: boolean
  readonly graceMs: number | undefined
  readonly bufferName: string | undefined
}

class StreamTableJoinProcessor<K, V, VT, VR> implements Processor<K, V, K, VR> {
  private readonly joiner: (value: V, row: VT | null, key: K) => VR
  private readonly behaviour: JoinBehaviour
  private readonly isLeft: boolean
  private readonly isVersioned: boolean
  private readonly table: TableReader<K, VT>
  private context!: ProcessorContext<K, VR>
  private buffer: GraceBuffer<K, V> | undefined

  constructor(
    reader: TableReaderSupplier<K, VT>,
    joiner: (value: V, row: VT | null, key: K) => VR,
    behaviour: JoinBehaviour
  ) {
    this.table = reader.create()
    this.joiner = joiner
    this.behaviour = behaviour
    this.isLeft = behaviour.isLeft
    this.isVersioned = behaviour.isVersioned
  }

  init(context: ProcessorContext<K, VR>): void {
    const { bufferName, graceMs } = this.behaviour
    this.context = context
    this.table.init(context)
    if (bufferName !== undefined && graceMs !== undefined) this.buffer = new GraceBuffer(context, bufferName, graceMs)
  }

  process(record: StreamRecord<K, V>): void {
    if (record.value === null || (record.key === null && !this.isLeft)) {
      this.context.drop('null-key-or-value')
      return
    }
    // A null key has no row to wait for. Kafka Streams fails there.
    if (this.buffer === undefined || record.key === null || !this.buffer.put(record)) this.join(record)
    else this.buffer.evict(this.join)
  }

  close(): void {
    this.table.close?.()
  }

  private readonly join = ({ key, value, timestampMs, headers }: StreamRecord<K, V>): void => {
    const row = key === null ? undefined : this.rowAt(key, timestampMs)
    if (row === undefined && !this.isLeft) return
    const joined = (this.joiner(value, row === undefined ? null : row.value, key) ?? null) as VR
    this.context.forward({ key, value: joined, timestampMs, headers })
  }

  private rowAt(key: K, timestampMs: number): ValueAndTimestamp<VT> | undefined {
    return this.isVersioned ? this.table.getAsOf?.(key, timestampMs) : this.table.get(key)
  }
}
