import type { BrokerConfig } from '../broker-config.ts'
import type { Topic } from '../topics/topic.ts'
import type { TopicSetting } from '../topics/topic-settings.ts'

/** Where the value of a setting comes from, in DescribeConfigs' numbers. */
export const SETTING_SOURCE = { topic: 1, broker: 4, default: 5 } as const

export function settingSource(topic: Topic, { name }: TopicSetting, { topicDefaults }: BrokerConfig): number {
  if (topic.settings.has(name)) return SETTING_SOURCE.topic
  return name in topicDefaults ? SETTING_SOURCE.broker : SETTING_SOURCE.default
}
