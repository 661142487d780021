import { type DecodedRequestOf, DescribeConfigs, type ResponseInputOf } from '@millrace/protocol'
import { brokerSettings } from '../broker-settings.ts'
import type { BrokerServices } from '../broker-services.ts'
import { ErrorCode } from '../error-code.ts'
import type { Topic } from '../topics/topic.ts'
import { settingTypeCode, TOPIC_SETTINGS, type TopicSetting } from '../topics/topic-settings.ts'
import { topicNameProblem } from '../topics/topics.ts'
import type { Handler } from './handler.ts'
import { type Refusal, refusal } from './refusal.ts'
import { RESOURCE_TYPE } from './resource-type.ts'
import { SETTING_SOURCE, settingSource } from './setting-source.ts'

type Resource = DecodedRequestOf<typeof DescribeConfigs>['resources'][number]
type Answered = ResponseInputOf<typeof DescribeConfigs>['results'][number]
type AnsweredSetting = Answered['configs'][number]

/** Tells the settings of topics, and those of the broker that mean something here. No documentation of settings. */
export const describeConfigs: Handler<typeof DescribeConfigs> = {
  api: DescribeConfigs,
  versions: [1, 4],
  handle({ resources, includeSynonyms }, { broker }) {
    return {
      throttleTimeMs: 0,
      results: resources.map(resource => {
        const { resourceType, resourceName, configurationKeys } = resource
        const found = settingsOf(resource, broker)
        if ('errorCode' in found) return { ...found, resourceType, resourceName, configs: [] }
        const wanted = configurationKeys === null ? undefined : new Set(configurationKeys)
        const configs = found
          .filter(({ name }) => wanted?.has(name) ?? true)
          .map(setting => (includeSynonyms ? setting : { ...setting, synonyms: [] }))
        return { errorCode: ErrorCode.NONE, errorMessage: '', resourceType, resourceName, configs }
      })
    }
  }
}

function settingsOf({ resourceType, resourceName }: Resource, broker: BrokerServices): AnsweredSetting[] | Refusal {
  switch (resourceType) {
    case RESOURCE_TYPE.topic: {
      const topic = broker.topics.byName(resourceName)
      if (topic !== undefined) return topicSettings(topic, broker)
      const wrong = topicNameProblem(resourceName)
      return wrong === undefined
        ? refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'This server does not host this topic-partition.')
        : refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, wrong)
    }
    case RESOURCE_TYPE.broker:
      if (resourceName === '') return []
      if (resourceName === String(broker.nodeId)) return brokerSettings(broker).map(brokerSetting)
      return refusal(
        ErrorCode.INVALID_REQUEST,
        `Unexpected broker id, expected ${broker.nodeId} or empty string, but received ${resourceName}`
      )
    default:
      return refusal(ErrorCode.INVALID_REQUEST, `Unsupported resource type: ${resourceType}`)
  }
}

function topicSettings(topic: Topic, { config }: BrokerServices): AnsweredSetting[] {
  return [...TOPIC_SETTINGS.values()].map(setting => ({
    name: setting.name,
    value: topic.settingOf(setting.name),
    readOnly: false,
    configSource: settingSource(topic, setting, config),
    isSensitive: false,
    synonyms: synonymsOf(topic, setting, config.topicDefaults),
    configType: settingTypeCode(setting),
    documentation: null
  }))
}

/** Every place that has a value for the setting, the one that holds first. */
function synonymsOf(
  topic: Topic,
  { name, brokerName, defaultValue }: TopicSetting,
  defaults: Readonly<Record<string, string>>
): AnsweredSetting['synonyms'] {
  const synonyms: { name: string; value: string | null; source: number }[] = []
  const own = topic.settings.get(name)
  if (own !== undefined) synonyms.push({ name, value: own, source: SETTING_SOURCE.topic })
  if (brokerName === null) return synonyms
  const inherited = defaults[name]
  if (inherited !== undefined) synonyms.push({ name: brokerName, value: inherited, source: SETTING_SOURCE.broker })
  synonyms.push({ name: brokerName, value: defaultValue, source: SETTING_SOURCE.default })
  return synonyms
}

function brokerSetting({ name, value, type }: ReturnType<typeof brokerSettings>[number]): AnsweredSetting {
  return {
    name,
    value,
    readOnly: true,
    configSource: SETTING_SOURCE.broker,
    isSensitive: false,
    synonyms: [{ name, value, source: SETTING_SOURCE.broker }],
    configType: type,
    documentation: null
  }
}
