import { type ProcessorSupplier } from '../../core/index.ts'
import { checkNodeOptions, checkSupplier, legalName, type StoreSpec } from '../../topology/index.ts'
import { type AnySupplier, GraphNode, type NodeTraits } from '../graph/graph-node.ts'
import type { NamedOptions } from '../materialized.ts'
import type { StreamHandle } from '../stream-handle.ts'

/** What a processor is connected with. */
export interface ProcessOptions extends NamedOptions {
  /**
   * Stores that the processor uses: names of stores added with `addStateStore`, or of the DSL; or declared stores, which are
   * added with it. Global stores need not be named.
   */
  readonly stores?: readonly (string | StoreSpec)[] | undefined
}

/** Documented at `KStream.process`. */
export function process<K, V, KR, VR>(
  up: StreamHandle<K, V>,
  supplier: ProcessorSupplier<K, V, KR, VR>,
  options: ProcessOptions = {}
): StreamHandle<KR, VR> {
  // Not `changesKey`: an optimiser would then put a topic right below it, between it and children that it may name.
  const traits = { changesValue: true }
  const node = addProcessor(up, { operator: 'process', prefix: 'KSTREAM-PROCESSOR-', supplier, options, traits })
  const { graph, sources } = up
  return { graph, node, sources, key: undefined, value: undefined, needsRepartition: true }
}

export interface ProcessStep {
  readonly operator: string
  readonly prefix: string
  readonly supplier: AnySupplier
  readonly options: ProcessOptions
  readonly traits: NodeTraits
}

/** The node of `process` and `processValues`. */
export function addProcessor(up: StreamHandle<any, any>, step: ProcessStep): GraphNode {
  const { operator, prefix, supplier, options, traits } = step
  checkNodeOptions(`${operator}()`, options, ['name', 'stores'])
  checkSupplier(`${operator}()`, 'processor supplier', supplier)
  const { graph } = up
  // Unlike other operators, a named one uses up no number in Kafka Streams.
  const name = options.name === undefined ? graph.names.processor(prefix) : legalName(options.name, 'node')
  const { stores = [] } = options
  const connected = stores.filter(store => typeof store === 'string')
  const own = stores.filter(store => typeof store !== 'string')
  const node = new GraphNode(name, { kind: 'processor', supplier, stores: () => own, connected }, traits)
  return graph.add(node, up.node)
}
