import type { Processor, ProcessorContext, Serde, StreamRecord, TimestampedKeyValueStore } from '@millrace/streams/core'
import type { NodeSpec, StoreSpec, SubTopology, Topology } from '@millrace/streams/topology'

/** Topologies made by hand, for tests of the runtime that should not depend on the DSL. */
export const text: Serde<string> = {
  name: 'text',
  serialize: value => Buffer.from(value),
  deserialize: bytes => Buffer.from(bytes).toString()
}

export const number: Serde<number> = {
  name: 'number',
  serialize: value => Buffer.from(String(value)),
  deserialize(bytes) {
    const value = Number(Buffer.from(bytes).toString())
    if (Number.isNaN(value)) throw new TypeError(`'${Buffer.from(bytes).toString()}' is no number`)
    return value
  }
}

export function source(name: string, topics: string[], children: string[]): NodeSpec {
  return {
    kind: 'source',
    name,
    children,
    topics,
    key: text,
    value: number,
    timestampExtractor: undefined,
    offsetReset: undefined
  }
}

export function processor(
  name: string,
  parents: string[],
  children: string[],
  supplier: () => Processor<string | null, number | null, unknown, unknown>,
  stores: string[] = []
): NodeSpec {
  return { kind: 'processor', name, parents, children, stores, supplier }
}

export function sink(name: string, parents: string[], topic: string): NodeSpec {
  return { kind: 'sink', name, parents, topic, key: text, value: number, partitioner: undefined }
}

export function keyValueStore(name: string, overrides: Partial<StoreSpec> = {}): StoreSpec {
  return {
    name,
    kind: 'timestamped-key-value',
    key: text,
    value: number,
    persistent: true,
    caching: false,
    changelog: { sourceTopic: undefined, topicConfig: {} },
    windowSizeMs: undefined,
    retentionMs: undefined,
    ...overrides
  }
}

export function topologyOf(nodes: NodeSpec[], stores: StoreSpec[] = []): Topology {
  const sources = nodes.filter(node => node.kind === 'source')
  const sinks = nodes.filter(node => node.kind === 'sink')
  const sub: SubTopology = {
    id: 0,
    nodes,
    stores,
    sourceTopics: sources.flatMap(node => (node.topics instanceof RegExp ? [] : node.topics)),
    sourcePatterns: sources.flatMap(node => (node.topics instanceof RegExp ? [node.topics] : [])),
    sinkTopics: sinks.flatMap(node => (typeof node.topic === 'string' ? [node.topic] : [])),
    repartitionSources: [],
    copartitionGroups: []
  }
  return { subTopologies: [sub], globalSubTopologies: [], describe: () => '' }
}

/** Adds up the values of each key and forwards each sum. */
export class Summing implements Processor<string | null, number | null, string, number> {
  #context: ProcessorContext<string, number> | undefined
  #store: TimestampedKeyValueStore<string, number> | undefined

  init(context: ProcessorContext<string, number>): void {
    this.#context = context
    this.#store = context.getStateStore('sums')
  }

  process(record: StreamRecord<string | null, number | null>): void {
    const { key, value, timestampMs, headers } = record
    if (key === null || value === null) {
      this.#context?.drop('null-key-or-value')
      return
    }
    const before = this.#store?.get(key)
    const after = (before?.value ?? 0) + value
    this.#store?.put(key, after, timestampMs, headers)
    this.#context?.forward({ key, value: after, timestampMs, headers })
  }
}

export function summingTopology(): Topology {
  return topologyOf(
    [
      source('in', ['input'], ['sum']),
      processor('sum', ['in'], ['out'], () => new Summing(), ['sums']),
      sink('out', ['sum'], 'output')
    ],
    [keyValueStore('sums')]
  )
}
