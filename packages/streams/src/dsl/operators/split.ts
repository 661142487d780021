import { type Processor, type ProcessorContext, type StreamRecord, StreamsError } from '../../core/index.ts'
import { legalName } from '../../topology/index.ts'
import { addStep } from '../add-step.ts'
import { GraphNode } from '../graph/graph-node.ts'
import type { NamedOptions } from '../materialized.ts'
import { PassThrough } from '../pass-through.ts'
import { sameRecords, type StreamHandle } from '../stream-handle.ts'

/** A split in the making: branches are added to it one by one. */
export interface SplitHandle<K, V> {
  readonly upstream: StreamHandle<K, V>
  readonly node: GraphNode
  readonly branches: Branch<K, V>[]
}

interface Branch<K, V> {
  readonly nodeName: string
  /** Undefined: the default branch, which takes what no other took. */
  readonly predicate: ((key: K, value: V) => boolean) | undefined
}

/** Documented at `KStream.split`. */
export function split<K, V>(up: StreamHandle<K, V>, options: NamedOptions = {}): SplitHandle<K, V> {
  const branches: Branch<K, V>[] = []
  const supplier = () => new SplitProcessor(branches)
  const node = addStep(up, { operator: 'split', prefix: 'KSTREAM-BRANCH-', options, supplier })
  return { upstream: up, node, branches }
}

/** Adds a branch; without a predicate the default one, after which no other may follow. */
export function addBranch<K, V>(
  handle: SplitHandle<K, V>,
  name: string,
  predicate: ((key: K, value: V) => boolean) | undefined
): StreamHandle<K, V> {
  const { upstream, node, branches } = handle
  const { graph } = upstream
  const nodeName = legalName(node.name + legalName(name, 'branch'), 'branch')
  if (branches.some(branch => branch.predicate === undefined)) {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `Branch '${name}' of '${node.name}' comes after the default branch. Add it before.`
    )
  }
  if (branches.some(branch => branch.nodeName === nodeName)) {
    throw new StreamsError(
      'TOPOLOGY_DUPLICATE_NAME',
      `'${node.name}' has two branches '${name}'. Give one of them another name.`
    )
  }
  branches.push({ nodeName, predicate })
  graph.names.processor(nodeName)
  const child = new GraphNode(nodeName, { kind: 'processor', supplier: () => new PassThrough() })
  return sameRecords(upstream, graph.add(child, node))
}

class SplitProcessor<K, V> implements Processor<K, V, K, V> {
  private readonly branches: readonly Branch<K, V>[]
  private context!: ProcessorContext<K, V>

  constructor(branches: readonly Branch<K, V>[]) {
    this.branches = branches
  }

  init(context: ProcessorContext<K, V>): void {
    this.context = context
  }

  process(record: StreamRecord<K, V>): void {
    for (const { predicate, nodeName } of this.branches) {
      if (predicate === undefined || predicate(record.key, record.value)) {
        this.context.forward(record, nodeName)
        return
      }
    }
  }
}
