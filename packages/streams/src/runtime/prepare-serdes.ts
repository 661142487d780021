import type { Serde, SerdeUse } from '../core/index.ts'
import { changelogTopicName, resolveTopicName, type SubTopology } from '../topology/index.ts'

/** What is needed of a sub-topology. */
type SerdeUsers = Pick<SubTopology, 'nodes' | 'stores'>

/**
 * Gives the serdes of sources, sinks and stores the time to ask whom they have to ask, before the first record. Topics whose names
 * are computed for each record are not known here.
 *
 * @param inputTopics - resolved names; needed for sources that read a pattern.
 */
export async function prepareSerdes(
  { nodes, stores }: SerdeUsers,
  applicationId: string,
  inputTopics: readonly string[]
): Promise<void> {
  const prepare = async (key: Serde<unknown>, value: Serde<unknown>, topic: string, use: SerdeUse) => {
    await key.prepare?.({ topic, isKey: true }, use)
    await value.prepare?.({ topic, isKey: false }, use)
  }
  for (const node of nodes) {
    if (node.kind === 'sink' && typeof node.topic === 'string') {
      await prepare(node.key, node.value, resolveTopicName(node.topic, applicationId), 'write')
    }
    if (node.kind !== 'source') continue
    const { topics } = node
    const read =
      topics instanceof RegExp
        ? inputTopics.filter(topic => topics.test(topic))
        : topics.map(name => resolveTopicName(name, applicationId))
    for (const topic of read) await prepare(node.key, node.value, topic, 'read')
  }
  for (const { name, key, value } of stores) {
    await prepare(key, value, changelogTopicName(name, applicationId), 'read-write')
  }
}
