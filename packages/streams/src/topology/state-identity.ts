import type { NodeSpec, ProcessorNodeSpec } from './node-spec.ts'
import type { StoreKind, StoreSpec } from './store-spec.ts'
import { changelogTopicName, INTERNAL_PREFIX, type SubTopology, type Topology } from './sub-topology.ts'

/**
 * What the records of an internal topic are about, whatever its name: the layout of a store, or of what is partitioned anew,
 * and the way by which records come there. Plain data, to be kept and compared with that of another version of the
 * application: a generated name says nothing, since the numbers in it shift with every operator that is put before.
 */
export interface StateIdentity {
  /** Of the store; of a repartition topic, its suffix. */
  readonly name: string
  /** The internal topic without the application id. */
  readonly topic: string
  readonly kind: StoreKind | 'repartition-topic'
  /** True when the name was numbered by the DSL, false when it was given. */
  readonly isGenerated: boolean
  /** Name of the key serde. */
  readonly key: string
  /** Name of the value serde. */
  readonly value: string
  /** Where the rows are windows of one size: another size would take the old rows for windows of its own. */
  readonly windowSizeMs?: number
  readonly retainDuplicates?: boolean
  /** Topics of users, and patterns as they are written, from which records come, through repartition topics as well. Sorted. */
  readonly sources: readonly string[]
  /**
   * The sources and processors on the way in, parents first: generated names without their numbers, given names in
   * quotes, since they don't tell the operator.
   */
  readonly steps: readonly string[]
  /** Only in what was noted: a later version ran without it, so that nobody expects it to go on under another number. */
  readonly isAbandoned?: boolean
}

/** Those of the stores with a changelog of their own, and of the repartition topics. */
export function stateIdentities(topology: Topology): StateIdentity[] {
  const nodes = new Map<string, NodeSpec>()
  for (const sub of topology.subTopologies) for (const node of sub.nodes) nodes.set(node.name, node)
  const isGenerated = (name: string) => topology.generatedNames?.has(name) === true

  const identities: StateIdentity[] = []
  for (const sub of topology.subTopologies) {
    for (const store of sub.stores) {
      if (store.changelog === undefined || store.changelog.sourceTopic !== undefined) continue
      const layout = { kind: store.kind, key: store.key.name, value: store.value.name, ...windowLayout(store) }
      identities.push({
        name: store.name,
        topic: changelogTopicName(store.name, '').slice(1),
        isGenerated: isGenerated(store.name),
        ...layout,
        ...originOf(ownersOf(sub, store.name), nodes)
      })
    }
    for (const { suffix } of sub.repartitionSources) {
      const internalName = INTERNAL_PREFIX + suffix
      const reader = sub.nodes.find(
        node => node.kind === 'source' && !(node.topics instanceof RegExp) && node.topics.includes(internalName)
      )
      if (reader?.kind !== 'source') continue
      identities.push({
        name: suffix,
        topic: suffix,
        kind: 'repartition-topic',
        isGenerated: isGenerated(suffix),
        key: reader.key.name,
        value: reader.value.name,
        ...originOf(writersOf(internalName, nodes), nodes)
      })
    }
  }
  return identities
}

function windowLayout({ kind, windowSizeMs, retainDuplicates }: StoreSpec) {
  return {
    ...(kind === 'timestamped-window' && windowSizeMs !== undefined ? { windowSizeMs } : {}),
    ...(retainDuplicates === true ? { retainDuplicates } : {})
  }
}

/** The processors that the store was added with; of one that was added alone, all that use it. */
function ownersOf(sub: SubTopology, store: string): string[] {
  const owners = sub.storeOwners?.get(store) ?? []
  if (owners.length > 0) return [...owners]
  const uses = (node: NodeSpec): node is ProcessorNodeSpec => node.kind === 'processor' && node.stores.includes(store)
  return sub.nodes.filter(uses).map(node => node.name)
}

function writersOf(topic: string, nodes: ReadonlyMap<string, NodeSpec>): string[] {
  return [...nodes.values()].filter(node => node.kind === 'sink' && node.topic === topic).map(node => node.name)
}

/** All that is upstream of `ends`, these included. The two topics of a foreign-key join lead to each other. */
function originOf(
  ends: readonly string[],
  nodes: ReadonlyMap<string, NodeSpec>
): Pick<StateIdentity, 'sources' | 'steps'> {
  const upstream = new Set<NodeSpec>()
  const sources = new Set<string>()
  const open = [...ends]
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = nodes.get(name)
    if (node === undefined || upstream.has(node)) continue
    upstream.add(node)
    if (node.kind !== 'source') open.push(...node.parents)
    else if (node.topics instanceof RegExp) sources.add(String(node.topics))
    else {
      for (const topic of node.topics) {
        if (topic.startsWith(INTERNAL_PREFIX)) open.push(...writersOf(topic, nodes))
        else sources.add(topic)
      }
    }
  }
  const steps = [...nodes.values()].filter(node => upstream.has(node) && node.kind !== 'sink')
  return { sources: [...sources].sort(), steps: steps.map(({ name }) => operatorOf(name)) }
}

/** `KSTREAM-FILTER-0000000003` is a `KSTREAM-FILTER`; what `evens` is, nobody knows. */
function operatorOf(name: string): string {
  return /^(.+)-\d{10}$/.exec(name)?.[1] ?? `'${name}'`
}
