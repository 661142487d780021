export type { Cluster, PartitionLeader, PartitionMetadata, RequestOptions, Target, TopicMetadata } from './cluster.ts'
export type { BrokerAddress, Connection, RequestFrame, Transport, TransportDefaults } from './transport.ts'
export { type ClusterOptions, createCluster } from './kafka-cluster.ts'
export { createKafkaClient, type KafkaClientOptions } from './kafka-client.ts'
