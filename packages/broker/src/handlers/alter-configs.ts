import { AlterConfigs } from '@millrace/protocol'
import { changeSettings, duplicateNamesProblem, nullValuesProblem } from './change-settings.ts'
import type { Handler } from './handler.ts'

/** Replaces all settings of topics. */
export const alterConfigs: Handler<typeof AlterConfigs> = {
  api: AlterConfigs,
  versions: [0, 2],
  handle({ resources, validateOnly }, { broker }) {
    const responses = changeSettings(resources, validateOnly, broker, ({ configs }) => {
      const nulls = configs.filter(({ value }) => value === null).map(({ name }) => name)
      const problem = nullValuesProblem(nulls) ?? duplicateNamesProblem(configs.map(({ name }) => name))
      return problem ?? new Map(configs.map(({ name, value }) => [name, value as string]))
    })
    return { throttleTimeMs: 0, responses }
  }
}
