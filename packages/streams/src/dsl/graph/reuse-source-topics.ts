import type { DslGraph } from './dsl-graph.ts'

/**
 * Lets the topic of a table be the changelog of its store: what is in it already is not written again.
 *
 * Not with a timestamp extractor of the user's: restoring would take the times that the broker stored.
 *
 * @see Kafka Streams `InternalStreamsBuilder#reuseKTableSourceTopics`
 */
export function reuseSourceTopics(graph: DslGraph): void {
  for (const node of graph.root.children) {
    const { logical } = node
    if (logical.kind === 'table-source' && logical.timestampExtractor === undefined) {
      node.logical = { ...logical, reusesTopic: true }
    }
  }
}
