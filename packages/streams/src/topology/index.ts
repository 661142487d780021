export { checkNodeOptions } from './check-node-options.ts'
export { checkStoreSpec } from './check-store-spec.ts'
export { checkSupplier } from './check-supplier.ts'
export { mergedSubTopology } from './merged-sub-topology.ts'
export { legalName, legalOutputTopic, NodeNames } from './names.ts'
export type {
  AnyRecord,
  AnySerde,
  NodeSpec,
  ProcessorNodeSpec,
  SinkNodeSpec,
  SourceNodeSpec,
  StreamPartitioner,
  TopicNameExtractor
} from './node-spec.ts'
export { stableNodeNames } from './stable-node-names.ts'
export { type StateIdentity, stateIdentities } from './state-identity.ts'
export type { StoreHandle } from './store-handle.ts'
export type { ChangelogSpec, StoreKind, StoreSpec } from './store-spec.ts'
export {
  keyValueStore,
  orderedKeyValueStore,
  type SessionStoreOptions,
  type StoreOptions,
  sessionStore,
  type TypedStoreSpec,
  timestampedKeyValueStore,
  timestampedWindowStore,
  type VersionedStoreOptions,
  versionedKeyValueStore,
  type WindowStoreOptions,
  windowStore
} from './stores.ts'
export {
  type CopartitionGroup,
  changelogTopicName,
  INTERNAL_PREFIX,
  type RepartitionTopicSpec,
  resolveTopicName,
  type SubTopology,
  type Topology
} from './sub-topology.ts'
export {
  type GlobalStoreOptions,
  type ProcessorWrapper,
  type ReadOnlyStoreOptions,
  type SinkOptions,
  type SourceOptions,
  TopologyBuilder,
  type TopologyBuilderOptions
} from './topology-builder.ts'
export { describeTopologyChanges, type TopologyChange, topologyChanges } from './topology-changes.ts'
