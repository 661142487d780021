import { checkOptions } from '../core/index.ts'
import { resolveTopicName, type Topology } from '../topology/index.ts'
import type { ResolvedConfig } from './streams-config.ts'
import { ownInternalTopics } from './topic-plan.ts'

/**
 * Refuses options for topics that the topology does not write: a misspelt topic would be compressed like the others, and nobody
 * would notice. Where a record's topic is found by a function, any name may be right.
 *
 * @throws StreamsError `CONFIG_UNKNOWN_OPTION`
 */
export function checkWrittenTopics(
  topology: Topology,
  { applicationId, deadLetterTopic, producer }: ResolvedConfig
): void {
  const { compressionByTopic } = producer
  if (compressionByTopic === undefined) return
  const nodes = topology.subTopologies.flatMap(sub => sub.nodes)
  if (nodes.some(node => node.kind === 'sink' && typeof node.topic === 'function')) return
  const written = ownInternalTopics(topology, applicationId)
  for (const sub of topology.subTopologies) {
    for (const topic of sub.sinkTopics) written.add(resolveTopicName(topic, applicationId))
  }
  if (deadLetterTopic !== undefined) written.add(deadLetterTopic)
  checkOptions('producer.compressionByTopic', compressionByTopic, [...written].sort())
}
