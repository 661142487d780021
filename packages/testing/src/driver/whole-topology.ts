import type { SubTopology, Topology } from '@millrace/streams/topology'

/** All sub-topologies as one, for a driver that runs everything as a single task. Internal topics stay what they are. */
export function wholeTopology(topology: Topology): SubTopology {
  const all = topology.subTopologies
  return {
    id: 0,
    nodes: all.flatMap(sub => sub.nodes),
    stores: all.flatMap(sub => sub.stores),
    sourceTopics: all.flatMap(sub => sub.sourceTopics),
    sourcePatterns: all.flatMap(sub => sub.sourcePatterns),
    sinkTopics: all.flatMap(sub => sub.sinkTopics),
    repartitionSources: all.flatMap(sub => sub.repartitionSources),
    copartitionGroups: all.flatMap(sub => sub.copartitionGroups)
  }
}
