import { type DecodedRequestOf, IncrementalAlterConfigs } from '@millrace/protocol'
import { ErrorCode } from '../error-code.ts'
import type { Topic } from '../topics/topic.ts'
import { listOf, TOPIC_SETTINGS } from '../topics/topic-settings.ts'
import { changeSettings, duplicateNamesProblem, nullValuesProblem } from './change-settings.ts'
import type { Handler } from './handler.ts'
import { type Refusal, refusal } from './refusal.ts'

type Resource = DecodedRequestOf<typeof IncrementalAlterConfigs>['resources'][number]

const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3
const NAMES = ['SET', 'DELETE', 'APPEND', 'SUBTRACT']

/** Changes single settings of topics. */
export const incrementalAlterConfigs: Handler<typeof IncrementalAlterConfigs> = {
  api: IncrementalAlterConfigs,
  versions: [0, 1],
  handle({ resources, validateOnly }, { broker }) {
    return { throttleTimeMs: 0, responses: changeSettings(resources, validateOnly, broker, changed) }
  }
}

function changed({ configs }: Resource, topic: Topic): ReadonlyMap<string, string> | Refusal {
  const nulls = configs.filter(({ value, configOperation }) => value === null && configOperation !== DELETE)
  const problem = duplicateNamesProblem(configs.map(({ name }) => name)) ?? nullValuesProblem(nulls.map(c => c.name))
  if (problem !== undefined) return problem
  const settings = new Map(topic.settings)
  for (const { name, value, configOperation } of configs) {
    switch (configOperation) {
      case SET:
        settings.set(name, value as string)
        break
      case DELETE:
        settings.delete(name)
        break
      case APPEND:
      case SUBTRACT: {
        if (TOPIC_SETTINGS.get(name)?.type !== 'list') {
          const message = `Can't ${NAMES[configOperation]} to key ${name} because its type is not LIST.`
          return refusal(ErrorCode.INVALID_CONFIG, message)
        }
        const present = listOf(topic.settingOf(name))
        const given = listOf(value as string)
        const after =
          configOperation === APPEND
            ? [...present, ...given.filter(item => !present.includes(item))]
            : present.filter(item => !given.includes(item))
        settings.set(name, after.join(','))
        break
      }
      default:
        return refusal(ErrorCode.UNKNOWN_SERVER_ERROR, null)
    }
  }
  return settings
}
