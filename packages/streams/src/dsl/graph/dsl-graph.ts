import { NodeNames } from '../../topology/index.ts'
import { GraphNode } from './graph-node.ts'

/** Sources whose topics must have equal partition counts, and the node that demands it. */
export interface CopartitionDemand {
  readonly node: string
  readonly sources: ReadonlySet<string>
}

/** The logical nodes of one builder, below a root that stands for nothing. */
export class DslGraph {
  readonly root: GraphNode
  readonly names = new NodeNames()
  readonly copartitioned: CopartitionDemand[] = []
  #nextPriority = 0

  constructor(root = new GraphNode('root', { kind: 'root' })) {
    this.root = root
  }

  /** Adding a node again, below a further parent, moves it to the end of the order. */
  add(node: GraphNode, ...parents: readonly GraphNode[]): GraphNode {
    for (const parent of parents) {
      parent.addChild(node)
      node.buildPriority = this.#nextPriority++
    }
    return node
  }

  /** A graph of new nodes with the same content, which passes may change. */
  copy(): DslGraph {
    const copies = new Map<GraphNode, GraphNode>()
    const copyOf = (node: GraphNode): GraphNode => {
      let copy = copies.get(node)
      if (copy === undefined) {
        copy = new GraphNode(node.name, node.logical, node.traits)
        copy.buildPriority = node.buildPriority
        copies.set(node, copy)
        for (const child of node.children) copyOf(child)
      }
      return copy
    }
    const graph = new DslGraph(copyOf(this.root))
    for (const [node, copy] of copies) {
      for (const child of node.children) copy.children.add(copyOf(child))
      for (const parent of node.parents) copy.parents.add(copyOf(parent))
    }
    graph.copartitioned.push(...this.copartitioned)
    return graph
  }
}
