import type { BrokerServices } from './broker-services.ts'
import { settingTypeCode, TOPIC_SETTINGS } from './topics/topic-settings.ts'

const INT = 3
const LONG = 5
const BOOLEAN = 1
const STRING = 2

export interface BrokerSetting {
  readonly name: string
  readonly value: string
  /** As in DescribeConfigs. */
  readonly type: number
}

/** The broker's settings under Kafka's names, for tools that read them. They are given at the start and stay. */
export function brokerSettings({ config, nodeId, advertised }: BrokerServices): BrokerSetting[] {
  const minutes = (ms: number): string => String(Math.round(ms / 60_000))
  const own: [name: string, value: unknown, type: number][] = [
    ['node.id', nodeId, INT],
    ['broker.id', nodeId, INT],
    ['advertised.listeners', `PLAINTEXT://${advertised.host}:${advertised.port}`, STRING],
    ['auto.create.topics.enable', config.autoCreateTopics, BOOLEAN],
    ['num.partitions', config.defaultPartitionCount, INT],
    ['default.replication.factor', 1, INT],
    ['delete.topic.enable', true, BOOLEAN],
    ['socket.request.max.bytes', config.maxRequestBytes, INT],
    ['fetch.max.bytes', config.maxFetchBytes, INT],
    ['connections.max.idle.ms', config.maxConnectionIdleMs, LONG],
    ['log.retention.check.interval.ms', config.logCleanupIntervalMs, LONG],
    ['producer.id.expiration.ms', config.producerIdExpirationMs, INT],
    ['group.initial.rebalance.delay.ms', config.groupInitialRebalanceDelayMs, INT],
    ['group.min.session.timeout.ms', config.groupMinSessionTimeoutMs, INT],
    ['group.max.session.timeout.ms', config.groupMaxSessionTimeoutMs, INT],
    ['group.max.size', config.groupMaxSize, INT],
    ['offset.metadata.max.bytes', config.offsetMetadataMaxSize, INT],
    ['offsets.retention.minutes', minutes(config.offsetsRetentionMs), INT],
    ['transaction.max.timeout.ms', config.transactionMaxTimeoutMs, INT],
    ['transactional.id.expiration.ms', config.transactionalIdExpirationMs, INT]
  ]
  const settings = own.map(([name, value, type]) => ({ name, value: String(value), type }))
  for (const setting of TOPIC_SETTINGS.values()) {
    if (setting.brokerName === null) continue
    const value = config.topicDefaults[setting.name] ?? setting.defaultValue
    settings.push({ name: setting.brokerName, value, type: settingTypeCode(setting) })
  }
  return settings
}
