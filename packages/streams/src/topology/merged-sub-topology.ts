import type { SubTopology } from './sub-topology.ts'

/** Several sub-topologies as one, to be run as a single task. Internal topics between them stay what they are. */
export function mergedSubTopology(id: number, all: readonly SubTopology[]): SubTopology {
  return {
    id,
    nodes: all.flatMap(sub => sub.nodes),
    stores: all.flatMap(sub => sub.stores),
    sourceTopics: all.flatMap(sub => sub.sourceTopics),
    sourcePatterns: all.flatMap(sub => sub.sourcePatterns),
    sinkTopics: all.flatMap(sub => sub.sinkTopics),
    repartitionSources: all.flatMap(sub => sub.repartitionSources),
    copartitionGroups: all.flatMap(sub => sub.copartitionGroups),
    storeOwners: new Map(all.flatMap(sub => [...(sub.storeOwners ?? [])]))
  }
}
