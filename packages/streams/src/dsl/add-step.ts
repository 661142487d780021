import { described, StreamsError } from '../core/index.ts'
import { checkNodeOptions } from '../topology/index.ts'
import { type AnySupplier, GraphNode, type NodeTraits } from './graph/graph-node.ts'
import type { NamedOptions } from './materialized.ts'
import type { StreamHandle } from './stream-handle.ts'

export interface Step {
  /** The operator as users call it, for errors. */
  readonly operator: string
  /** Of the generated name: `KSTREAM-MAP-`. */
  readonly prefix: string
  readonly options: NamedOptions
  readonly supplier: AnySupplier
  readonly traits?: NodeTraits
}

/** Adds a node without stores below a stream. */
export function addStep(up: StreamHandle<any, any>, step: Step): GraphNode {
  checkNodeOptions(`${step.operator}()`, step.options, ['name'])
  const name = up.graph.names.orGenerate(step.options.name, step.prefix)
  return up.graph.add(new GraphNode(name, { kind: 'processor', supplier: step.supplier }, step.traits), up.node)
}

/** @throws StreamsError `TOPOLOGY_INVALID` */
export function checkFunction(operator: string, what: string, value: unknown): void {
  if (typeof value !== 'function') {
    throw new StreamsError('TOPOLOGY_INVALID', `${operator}() takes a function as ${what}, not ${described(value)}.`)
  }
}
