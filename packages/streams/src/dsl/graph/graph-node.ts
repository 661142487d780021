import type { ProcessorSupplier, TimestampExtractor } from '../../core/index.ts'
import type {
  AnySerde,
  SourceNodeSpec,
  StoreSpec,
  StreamPartitioner,
  TopicNameExtractor
} from '../../topology/index.ts'

/** What a logical node is: plain data, from which nodes of the topology are written. */
export type LogicalNode =
  | { readonly kind: 'root' }
  | StateStoreNode
  | StreamSource
  | TableSource
  | GlobalTableSource
  | ProcessorStep
  | ProcessorGroup
  | Sink
  | Repartition

/** A store that the user added; processors name it. */
export interface StateStoreNode {
  readonly kind: 'state-store'
  readonly store: StoreSpec
}

export interface SourceSerdes {
  readonly key: AnySerde
  readonly value: AnySerde
  readonly timestampExtractor: TimestampExtractor | undefined
  readonly offsetReset: SourceNodeSpec['offsetReset']
}

export interface StreamSource extends SourceSerdes {
  readonly kind: 'stream-source'
  readonly topics: readonly string[] | RegExp
}

export interface TableSource extends SourceSerdes {
  readonly kind: 'table-source'
  readonly sourceName: string
  readonly topic: string
  readonly supplier: AnySupplier
  /** Whether there is a store is known only when all operators that may read it have been added. */
  readonly store: () => StoreSpec | undefined
  /** Set by an optimiser pass: the input topic serves as changelog. */
  readonly reusesTopic: boolean
}

export interface GlobalTableSource extends Omit<SourceSerdes, 'offsetReset'> {
  readonly kind: 'global-table-source'
  readonly sourceName: string
  readonly topic: string
  readonly supplier: AnySupplier
  readonly store: StoreSpec
}

export interface ProcessorStep {
  readonly kind: 'processor'
  readonly supplier: AnySupplier
  /** Stores that this node brings along; asked for when the topology is written. */
  readonly stores?: () => readonly StoreSpec[]
  /** Stores of other nodes that this one reads. */
  readonly connected?: readonly string[]
}

/** Processors that are written together: the sides of a join, and what merges them. */
export interface ProcessorGroup {
  readonly kind: 'processor-group'
  /** Parents come before children. */
  readonly steps: readonly {
    readonly name: string
    /** Names of nodes, of this group or written before it. */
    readonly parents: readonly string[]
    readonly supplier: AnySupplier
    /** Stores of other nodes that this one reads. */
    readonly connected?: readonly string[]
  }[]
  /** Stores of the group with the nodes that use them; asked for when the topology is written. */
  readonly stores: () => readonly { readonly spec: StoreSpec; readonly processors: readonly string[] }[]
  /** Of a stream-stream join: what takes its place when both streams are one, and the node that is then not needed. */
  readonly selfJoin?: { readonly sparedNode: string; readonly group: ProcessorGroup }
}

export interface Sink {
  readonly kind: 'sink'
  readonly topic: string | TopicNameExtractor
  readonly key: AnySerde
  readonly value: AnySerde
  readonly partitioner: StreamPartitioner | undefined
}

/** A repartition topic with what writes it and what reads it. Its node is called like its source. */
export interface Repartition {
  readonly kind: 'repartition'
  /** Passes on what goes into the topic; a grouped table has none. */
  readonly filterName: string | undefined
  readonly sinkName: string
  readonly suffix: string
  readonly key: AnySerde
  readonly value: AnySerde
  readonly partitionCount: number | undefined
  readonly partitioner: StreamPartitioner | undefined
  /** Repartition topics that an operator made by itself may be merged with others; those the user asked for may not. */
  readonly isMergeable: boolean
}

export type AnySupplier = ProcessorSupplier<any, any, any, any>

/** What an optimiser pass has to know of a node beyond what it writes. */
export interface NodeTraits {
  readonly changesKey?: boolean
  readonly changesValue?: boolean
  readonly isMerge?: boolean
  /** A left join gives results for null keys, so nothing above it may drop them. */
  readonly takesNullKeys?: boolean
  /** Of an aggregation of windows: how long after its end a window takes no more records, by stream time. */
  readonly windowCloseDelayMs?: number
}

/** A node of the graph that the DSL builds; operators add them, `writeTopology` turns them into a topology. */
export class GraphNode {
  readonly name: string
  readonly traits: NodeTraits
  readonly parents = new Set<GraphNode>()
  readonly children = new Set<GraphNode>()
  logical: LogicalNode
  /** Nodes are written in this order, once their parents are. */
  buildPriority = -1

  constructor(name: string, logical: LogicalNode, traits: NodeTraits = {}) {
    this.name = name
    this.logical = logical
    this.traits = traits
  }

  addChild(child: GraphNode): void {
    this.children.add(child)
    child.parents.add(this)
  }

  removeChild(child: GraphNode): void {
    this.children.delete(child)
    child.parents.delete(this)
  }
}
