import { checkOptions, choiceOption, integerOption, invalidOption } from '@millrace/streams/core'
import type { FetcherOptions } from '@millrace/streams/ports'

const NAMES: Readonly<Record<keyof FetcherOptions, true>> = {
  isolation: true,
  maxBufferedBytes: true,
  maxWaitMs: true,
  minBytes: true,
  maxBytes: true,
  partitionMaxBytes: true,
  freesRead: true
}
const ISOLATION_LEVELS = ['read_committed', 'read_uncommitted'] as const

/** @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION` */
export function checkFetcherOptions(options: FetcherOptions): void {
  checkOptions('createFetcher()', options, Object.keys(NAMES))
  if (choiceOption(options, 'isolation', ISOLATION_LEVELS) === undefined) {
    throw invalidOption('isolation', undefined, ISOLATION_LEVELS.map(level => `'${level}'`).join(', '))
  }
  if (integerOption(options, 'maxBufferedBytes', { min: 1, max: Number.MAX_SAFE_INTEGER }) === undefined) {
    throw invalidOption('maxBufferedBytes', undefined, 'an integer of at least 1 (bytes)')
  }
  integerOption(options, 'maxWaitMs', { min: 0 })
  for (const name of ['minBytes', 'maxBytes', 'partitionMaxBytes'] as const) integerOption(options, name, { min: 1 })
  const { freesRead } = options
  if (freesRead !== undefined && typeof freesRead !== 'boolean') {
    throw invalidOption('freesRead', freesRead, 'true or false')
  }
}
