import { type Serde, StreamsError, type TimestampExtractor } from '../../core/index.ts'
import { checkNodeOptions, legalName, type SourceNodeSpec } from '../../topology/index.ts'
import type { DslGraph } from '../graph/dsl-graph.ts'
import { GraphNode } from '../graph/graph-node.ts'
import type { NamedOptions } from '../materialized.ts'
import { resolveSerde } from '../resolve-serde.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** How topics are read. */
export interface ConsumedOptions<K, V> extends NamedOptions {
  /** Required: there are no default serdes. */
  readonly key: Serde<K>
  /** Required: there are no default serdes. */
  readonly value: Serde<V>
  /** Default: the timestamp that the broker stored. A negative result drops the record. */
  readonly timestampExtractor?: TimestampExtractor<K, V> | undefined
  /**
   * Where a partition without a committed offset begins: `earliest`, `latest`, or `none`, which stops the application.
   * Default: the application's `autoOffsetReset`.
   */
  readonly offsetReset?: SourceNodeSpec['offsetReset']
}

export const CONSUMED_OPTIONS: readonly string[] = ['name', 'key', 'value', 'timestampExtractor', 'offsetReset']

/** Documented at `StreamsBuilder.stream`. */
export function stream<K, V>(
  graph: DslGraph,
  topics: string | readonly string[] | RegExp,
  options: ConsumedOptions<K, V>
): StreamHandle<K, V> {
  checkNodeOptions('stream()', options, CONSUMED_OPTIONS)
  const names = typeof topics === 'string' ? [topics] : topics
  if (!(names instanceof RegExp)) {
    if (!Array.isArray(names) || names.length === 0) {
      throw new StreamsError('TOPOLOGY_INVALID', 'stream() needs a topic, a list of topics, or a pattern.')
    }
    for (const topic of names) legalName(topic, 'topic')
  }
  const name = graph.names.orGenerate(options.name, 'KSTREAM-SOURCE-')
  const key = resolveSerde<K>('key', options.key, undefined, name, 'stream()')
  const value = resolveSerde<V>('value', options.value, undefined, name, 'stream()')
  const { timestampExtractor, offsetReset } = options
  const node = new GraphNode(name, {
    kind: 'stream-source',
    topics: names instanceof RegExp ? names : [...new Set(names)],
    key,
    value,
    timestampExtractor: timestampExtractor as TimestampExtractor | undefined,
    offsetReset
  })
  graph.add(node, graph.root)
  return { graph, node, key, value, sources: new Set([name]), needsRepartition: false }
}
