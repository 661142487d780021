import { mergedSubTopology, type SubTopology, type Topology } from '@millrace/streams/topology'

/** All sub-topologies as one, for a driver that runs everything as a single task. */
export function wholeTopology(topology: Topology): SubTopology {
  return mergedSubTopology(0, topology.subTopologies)
}
