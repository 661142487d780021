import type { NodeSpec } from './node-spec.ts'
import type { StoreSpec } from './store-spec.ts'

/** An internal topic `<applicationId>-<suffix>` through which records are partitioned anew. */
export interface RepartitionTopicSpec {
  /** Without the application id, for example `counts-repartition`. Nodes use this name too; see `internalTopicName`. */
  readonly suffix: string
  /** Fixed by the user; undefined: the largest count of the writing sub-topology's co-partitioned inputs. */
  readonly partitionCount: number | undefined
}

/**
 * A connected part of the topology: what one task runs. Tasks are (sub-topology, partition).
 * Topic names in `nodes` are as users see them; internal ones begin with `INTERNAL_PREFIX` until an application id is known.
 */
export interface SubTopology {
  readonly id: number
  /** In the order in which they were added; parents come before children. */
  readonly nodes: readonly NodeSpec[]
  readonly stores: readonly StoreSpec[]
  /** Source topics by name; patterns are in `sourcePatterns`. Repartition topics that it reads are included. */
  readonly sourceTopics: readonly string[]
  readonly sourcePatterns: readonly RegExp[]
  readonly sinkTopics: readonly string[]
  /** Repartition topics this sub-topology reads. */
  readonly repartitionSources: readonly RepartitionTopicSpec[]
  /** Groups of source topics that must have equal partition counts; named by the node that demands it. */
  readonly copartitionGroups: readonly CopartitionGroup[]
  /** Of each store, the processors that it was added with; others that use it were connected. Of one added alone, none. */
  readonly storeOwners?: ReadonlyMap<string, readonly string[]> | undefined
}

export interface CopartitionGroup {
  readonly node: string
  readonly topics: readonly string[]
  /** All topics that match belong to the group too. */
  readonly patterns?: readonly RegExp[] | undefined
}

/** What a DSL or a hand-made builder makes, and what a runtime runs. Plain data: no broker, no application id. */
export interface Topology {
  readonly subTopologies: readonly SubTopology[]
  /**
   * Sources and processors of the global stores, one of each: every instance runs all of them, over all partitions of their
   * topics, and no task does. Numbered together with `subTopologies`.
   */
  readonly globalSubTopologies: readonly SubTopology[]
  /** Stores and repartition topics (by suffix) whose names the DSL numbered: they shift when an operator is put before them. */
  readonly generatedNames?: ReadonlySet<string> | undefined
  /** The text of Kafka Streams' `Topology.describe()`. */
  describe(): string
}

/**
 * Marks a topic name inside a topology as internal: `INTERNAL_PREFIX + suffix` becomes `<applicationId>-<suffix>`.
 * A control character, so that no legal topic name begins with it.
 */
export const INTERNAL_PREFIX = '\u0001'

export function resolveTopicName(name: string, applicationId: string): string {
  return name.startsWith(INTERNAL_PREFIX) ? `${applicationId}-${name.slice(INTERNAL_PREFIX.length)}` : name
}

export function changelogTopicName(storeName: string, applicationId: string): string {
  return `${applicationId}-${storeName}-changelog`
}
