import {
  checkMethods,
  checkOptions,
  contradiction,
  integerOption,
  invalidOption,
  textOption
} from '@millrace/streams/core'
import type { GroupOptions } from '@millrace/streams/ports'

const NAMES: Readonly<Record<keyof GroupOptions, true>> = {
  groupId: true,
  groupInstanceId: true,
  sessionTimeoutMs: true,
  heartbeatIntervalMs: true,
  rebalanceTimeoutMs: true,
  topics: true,
  assignor: true,
  listener: true
}
const ASSIGNOR_METHODS = ['userData', 'assign'] as const
const LISTENER_METHODS = ['onRevoked', 'onAssigned', 'onLost', 'onFatal'] as const

/** @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION` */
export function checkGroupOptions(options: GroupOptions): void {
  checkOptions('joinGroup()', options, Object.keys(NAMES))
  if (textOption(options, 'groupId') === undefined) {
    throw invalidOption('groupId', undefined, 'a text that is not empty')
  }
  textOption(options, 'groupInstanceId')
  for (const name of ['sessionTimeoutMs', 'heartbeatIntervalMs', 'rebalanceTimeoutMs'] as const) {
    integerOption(options, name, { min: 1 })
  }
  const { heartbeatIntervalMs, sessionTimeoutMs, topics } = options
  if (heartbeatIntervalMs !== undefined && sessionTimeoutMs !== undefined && heartbeatIntervalMs >= sessionTimeoutMs) {
    throw contradiction(
      `heartbeatIntervalMs is ${heartbeatIntervalMs}, but the session ends sessionTimeoutMs, ${sessionTimeoutMs}, after a heartbeat. ` +
        'Make it a third of that, or leave it out.',
      { heartbeatIntervalMs, sessionTimeoutMs }
    )
  }
  if (typeof topics !== 'function') throw invalidOption('topics', topics, 'a function that returns names')
  checkMethods('assignor', options.assignor, ASSIGNOR_METHODS)
  if (textOption(options.assignor, 'name', 'assignor.') === undefined) {
    throw invalidOption('assignor.name', undefined, 'a text that is not empty')
  }
  checkMethods('listener', options.listener, LISTENER_METHODS)
}
