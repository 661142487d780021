import { checkOptions, described, type ErrorCode, StreamsError } from '../core/index.ts'
import { legalName } from './names.ts'

type Check = (value: unknown) => boolean

const isBoolean: Check = value => typeof value === 'boolean'
const isFunction: Check = value => typeof value === 'function'
const isSerde: Check = value =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as { serialize?: unknown }).serialize === 'function' &&
  typeof (value as { deserialize?: unknown }).deserialize === 'function'

function isChangelog(value: unknown): boolean {
  if (typeof value === 'boolean') return true
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every(config => typeof config === 'string')
}

function isStoreList(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(store => typeof store === 'string' || typeof (store as { name?: unknown } | null)?.name === 'string')
  )
}

interface Rule {
  readonly isRight: Check
  /** What the option takes, and for example what. */
  readonly wanted: string
  readonly code?: ErrorCode
}

const SERDE: Rule = { isRight: isSerde, wanted: 'a serde, for example json()', code: 'TOPOLOGY_SERDE_MISSING' }
const BOOLEAN: Rule = { isRight: isBoolean, wanted: 'true or false' }
const PARTITIONER: Rule = {
  isRight: isFunction,
  wanted: 'a function that gives a partition: (topic, key, value, count) => 0'
}

/** Options have the same meaning wherever they are taken. */
const RULES: Readonly<Record<string, Rule>> = {
  key: SERDE,
  value: SERDE,
  thisValue: SERDE,
  otherKey: SERDE,
  otherValue: SERDE,
  caching: BOOLEAN,
  persistent: BOOLEAN,
  retainDuplicates: BOOLEAN,
  changelog: { isRight: isChangelog, wanted: "true, false, or topic configs as texts: { 'retention.ms': '-1' }" },
  partitioner: PARTITIONER,
  otherPartitioner: PARTITIONER,
  timestampExtractor: {
    isRight: isFunction,
    wanted: 'a function that gives milliseconds: record => record.timestampMs'
  },
  offsetReset: {
    isRight: value => value === 'earliest' || value === 'latest' || value === 'none',
    wanted: "'earliest', 'latest' or 'none'"
  },
  stores: { isRight: isStoreList, wanted: "a list of stores or their names: ['counts']" }
}

/**
 * Refuses options that do not exist and values that could not work: both would show only when records come, or never.
 *
 * @param where - what the options were given to, for example `count()`.
 * @throws StreamsError `CONFIG_UNKNOWN_OPTION`, `CONFIG_INVALID`, `TOPOLOGY_SERDE_MISSING`, `TOPOLOGY_INVALID`
 */
export function checkNodeOptions(where: string, options: object, allowed: readonly string[]): void {
  checkOptions(where, options, allowed)
  const given = options as Readonly<Record<string, unknown>>
  if (given['name'] !== undefined) legalName(given['name'] as string, 'node')
  if (given['store'] !== undefined) legalName(given['store'] as string, 'store')
  const node = given['name'] === undefined ? '' : ` of node '${String(given['name'])}'`
  for (const [option, value] of Object.entries(given)) {
    const rule = RULES[option]
    if (rule === undefined || value === undefined || rule.isRight(value)) continue
    throw new StreamsError(
      rule.code ?? 'TOPOLOGY_INVALID',
      `${where}${node} takes as '${option}' ${rule.wanted}; not ${described(value)}.`,
      { details: { where, option, value } }
    )
  }
}
