import { StreamsError } from '../../core/index.ts'
import type { GraphNode, StreamSource } from './graph-node.ts'

/**
 * Lets streams of the same topics share one source, since a topic can be read only once per task.
 *
 * @throws StreamsError `TOPOLOGY_TOPIC_CONFLICT` when topics overlap without being equal, or are read in different ways.
 * @see Kafka Streams `InternalStreamsBuilder#mergeDuplicateSourceNodes`
 */
export function mergeSources(root: GraphNode): void {
  const byTopic = new Map<string, GraphNode>()
  for (const node of [...root.children]) {
    if (node.logical.kind !== 'stream-source') continue
    const source = node.logical
    const keys = source.topics instanceof RegExp ? [String(source.topics)] : source.topics
    for (const key of keys) {
      const main = byTopic.get(key)
      if (main === undefined) byTopic.set(key, node)
      else if (main !== node) {
        checkMergeable(key, main, main.logical as StreamSource, node, source)
        for (const child of [...node.children]) {
          node.removeChild(child)
          main.addChild(child)
        }
        root.removeChild(node)
      }
    }
  }
}

function checkMergeable(topic: string, main: GraphNode, a: StreamSource, other: GraphNode, b: StreamSource): void {
  const names = `'${main.name}' and '${other.name}'`
  const details = { topic, nodes: [main.name, other.name] }
  if (!sameTopics(a.topics, b.topics)) {
    throw new StreamsError(
      'TOPOLOGY_TOPIC_CONFLICT',
      `Topic '${topic}' is read by ${names} together with different other topics. Read each topic with a stream() of its own, and merge().`,
      { details }
    )
  }
  if (a.timestampExtractor !== b.timestampExtractor) {
    throw new StreamsError(
      'TOPOLOGY_TOPIC_CONFLICT',
      `Topic '${topic}' is read by ${names} with different timestamp extractors. Read it once and use the stream twice.`,
      { details }
    )
  }
  for (const [what, first, second] of [
    ['key serdes', a.key.name, b.key.name],
    ['value serdes', a.value.name, b.value.name],
    ['offset resets', a.offsetReset, b.offsetReset]
  ]) {
    if (first !== second) {
      throw new StreamsError(
        'TOPOLOGY_TOPIC_CONFLICT',
        `Topic '${topic}' is read by ${names} with different ${what}, '${first}' and '${second}'. Read it once and use the stream twice.`,
        { details }
      )
    }
  }
}

function sameTopics(a: readonly string[] | RegExp, b: readonly string[] | RegExp): boolean {
  if (a instanceof RegExp || b instanceof RegExp) return String(a) === String(b)
  return a.length === b.length && a.every(topic => b.includes(topic))
}
