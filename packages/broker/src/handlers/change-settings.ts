import type { BrokerServices } from '../broker-services.ts'
import { ErrorCode } from '../error-code.ts'
import type { Topic } from '../topics/topic.ts'
import { settingProblem } from '../topics/topic-settings.ts'
import { topicNameProblem } from '../topics/topics.ts'
import { duplicatesIn, type Refusal, refusal } from './refusal.ts'
import { RESOURCE_TYPE } from './resource-type.ts'

interface Resource {
  readonly resourceType: number
  readonly resourceName: string
}

export interface ChangedResource extends Resource {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/**
 * What AlterConfigs and IncrementalAlterConfigs have in common: changes the settings of each topic that is named, all
 * of them or none. The broker's own are given at its start and cannot be changed.
 *
 * @param change - The topic's new settings, unchecked, or why there are none.
 */
export function changeSettings<R extends Resource>(
  resources: readonly R[],
  validateOnly: boolean,
  broker: BrokerServices,
  change: (resource: R, topic: Topic) => ReadonlyMap<string, string> | Refusal
): ChangedResource[] {
  const keyOf = ({ resourceType, resourceName }: Resource): string => `${resourceType} ${resourceName}`
  const twice = duplicatesIn(resources.map(keyOf))
  return resources.map(resource => {
    const { resourceType, resourceName } = resource
    const problem = twice.has(keyOf(resource))
      ? refusal(ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once.')
      : changeOne(resource, validateOnly, broker, change)
    return { errorCode: ErrorCode.NONE, errorMessage: null, ...problem, resourceType, resourceName }
  })
}

function changeOne<R extends Resource>(
  resource: R,
  validateOnly: boolean,
  { topics }: BrokerServices,
  change: (resource: R, topic: Topic) => ReadonlyMap<string, string> | Refusal
): Refusal | undefined {
  const { resourceType, resourceName } = resource
  if (resourceType !== RESOURCE_TYPE.topic) {
    const message =
      resourceType === RESOURCE_TYPE.broker
        ? 'The settings of the embedded broker are given at its start and cannot be changed.'
        : `Unexpected resource type ${resourceType}.`
    return refusal(ErrorCode.INVALID_REQUEST, message)
  }
  const topic = topics.byName(resourceName)
  if (topic === undefined) {
    const wrong = topicNameProblem(resourceName)
    return wrong === undefined
      ? refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resourceName}' does not exist.`)
      : refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, wrong)
  }
  const settings = change(resource, topic)
  if ('errorCode' in settings) return settings
  for (const [name, value] of settings) {
    const wrong = settingProblem(name, value)
    if (wrong !== undefined) return refusal(ErrorCode.INVALID_CONFIG, wrong)
  }
  if (!validateOnly) topics.configure(topic, settings)
  return undefined
}

/** The names that settings may not be given under, since there is nothing to set. */
export function nullValuesProblem(names: readonly string[]): Refusal | undefined {
  if (names.length === 0) return undefined
  return refusal(ErrorCode.INVALID_REQUEST, `Null value not supported for : ${names.join(', ')}`)
}

export function duplicateNamesProblem(names: readonly string[]): Refusal | undefined {
  const twice = duplicatesIn(names)
  if (twice.size === 0) return undefined
  return refusal(ErrorCode.INVALID_REQUEST, `Error due to duplicate config keys : ${[...twice].join(', ')}`)
}
