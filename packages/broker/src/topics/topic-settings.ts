import type { LogConfig } from '../log/log-config.ts'

/** Kafka's numbers for the kinds of a setting, as DescribeConfigs tells them. */
const TYPE = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const

export interface TopicSetting {
  readonly name: string
  readonly type: keyof typeof TYPE
  /** Kafka's default, as text. */
  readonly defaultValue: string
  /** The broker setting that it is inherited from in Kafka; null if there is none. */
  readonly brokerName: string | null
  readonly lowest?: bigint | number
  readonly highest?: number
  readonly allowed?: readonly string[]
}

const MAX_LONG = '9223372036854775807'
const TIMESTAMP_TYPES = ['CreateTime', 'LogAppendTime']
const COMPRESSION_TYPES = ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer']

/** All settings that a topic of Kafka 4.3 has. Those that a single node can do nothing with are kept and told. */
export const TOPIC_SETTINGS: ReadonlyMap<string, TopicSetting> = new Map(
  (
    [
      {
        name: 'cleanup.policy',
        type: 'list',
        defaultValue: 'delete',
        brokerName: 'log.cleanup.policy',
        allowed: ['compact', 'delete']
      },
      {
        name: 'compression.gzip.level',
        type: 'int',
        defaultValue: '-1',
        brokerName: 'compression.gzip.level',
        lowest: -1,
        highest: 9
      },
      {
        name: 'compression.lz4.level',
        type: 'int',
        defaultValue: '9',
        brokerName: 'compression.lz4.level',
        lowest: 1,
        highest: 17
      },
      {
        name: 'compression.type',
        type: 'string',
        defaultValue: 'producer',
        brokerName: 'compression.type',
        allowed: COMPRESSION_TYPES
      },
      {
        name: 'compression.zstd.level',
        type: 'int',
        defaultValue: '3',
        brokerName: 'compression.zstd.level',
        lowest: -131072,
        highest: 22
      },
      {
        name: 'delete.retention.ms',
        type: 'long',
        defaultValue: '86400000',
        brokerName: 'log.cleaner.delete.retention.ms',
        lowest: 0
      },
      {
        name: 'file.delete.delay.ms',
        type: 'long',
        defaultValue: '60000',
        brokerName: 'log.segment.delete.delay.ms',
        lowest: 0
      },
      {
        name: 'flush.messages',
        type: 'long',
        defaultValue: MAX_LONG,
        brokerName: 'log.flush.interval.messages',
        lowest: 1
      },
      { name: 'flush.ms', type: 'long', defaultValue: MAX_LONG, brokerName: null, lowest: 0 },
      { name: 'follower.replication.throttled.replicas', type: 'list', defaultValue: '', brokerName: null },
      {
        name: 'index.interval.bytes',
        type: 'int',
        defaultValue: '4096',
        brokerName: 'log.index.interval.bytes',
        lowest: 0
      },
      { name: 'leader.replication.throttled.replicas', type: 'list', defaultValue: '', brokerName: null },
      {
        name: 'local.retention.bytes',
        type: 'long',
        defaultValue: '-2',
        brokerName: 'log.local.retention.bytes',
        lowest: -2
      },
      {
        name: 'local.retention.ms',
        type: 'long',
        defaultValue: '-2',
        brokerName: 'log.local.retention.ms',
        lowest: -2
      },
      {
        name: 'max.compaction.lag.ms',
        type: 'long',
        defaultValue: MAX_LONG,
        brokerName: 'log.cleaner.max.compaction.lag.ms',
        lowest: 1
      },
      { name: 'max.message.bytes', type: 'int', defaultValue: '1048588', brokerName: 'message.max.bytes', lowest: 0 },
      {
        name: 'message.timestamp.after.max.ms',
        type: 'long',
        defaultValue: '3600000',
        brokerName: 'log.message.timestamp.after.max.ms',
        lowest: 0
      },
      {
        name: 'message.timestamp.before.max.ms',
        type: 'long',
        defaultValue: MAX_LONG,
        brokerName: 'log.message.timestamp.before.max.ms',
        lowest: 0
      },
      {
        name: 'message.timestamp.type',
        type: 'string',
        defaultValue: 'CreateTime',
        brokerName: 'log.message.timestamp.type',
        allowed: TIMESTAMP_TYPES
      },
      {
        name: 'min.cleanable.dirty.ratio',
        type: 'double',
        defaultValue: '0.5',
        brokerName: 'log.cleaner.min.cleanable.ratio',
        lowest: 0,
        highest: 1
      },
      {
        name: 'min.compaction.lag.ms',
        type: 'long',
        defaultValue: '0',
        brokerName: 'log.cleaner.min.compaction.lag.ms',
        lowest: 0
      },
      { name: 'min.insync.replicas', type: 'int', defaultValue: '1', brokerName: 'min.insync.replicas', lowest: 1 },
      { name: 'preallocate', type: 'boolean', defaultValue: 'false', brokerName: 'log.preallocate' },
      { name: 'remote.log.copy.disable', type: 'boolean', defaultValue: 'false', brokerName: null },
      { name: 'remote.log.delete.on.disable', type: 'boolean', defaultValue: 'false', brokerName: null },
      { name: 'remote.storage.enable', type: 'boolean', defaultValue: 'false', brokerName: null },
      { name: 'retention.bytes', type: 'long', defaultValue: '-1', brokerName: 'log.retention.bytes', lowest: -1 },
      { name: 'retention.ms', type: 'long', defaultValue: '604800000', brokerName: 'log.retention.ms', lowest: -1 },
      {
        name: 'segment.bytes',
        type: 'int',
        defaultValue: '1073741824',
        brokerName: 'log.segment.bytes',
        lowest: 1048576
      },
      {
        name: 'segment.index.bytes',
        type: 'int',
        defaultValue: '10485760',
        brokerName: 'log.index.size.max.bytes',
        lowest: 4
      },
      { name: 'segment.jitter.ms', type: 'long', defaultValue: '0', brokerName: null, lowest: 0 },
      { name: 'segment.ms', type: 'long', defaultValue: '604800000', brokerName: null, lowest: 1 },
      {
        name: 'unclean.leader.election.enable',
        type: 'boolean',
        defaultValue: 'false',
        brokerName: 'unclean.leader.election.enable'
      }
    ] satisfies TopicSetting[]
  ).map((setting: TopicSetting) => [setting.name, setting])
)

/** The number of a setting's type in DescribeConfigs. */
export function settingTypeCode(setting: TopicSetting): number {
  return TYPE[setting.type]
}

const MAX_INT = 2 ** 31 - 1
const LONG_LIMIT = 2n ** 63n

/** What is wrong with a value, in Kafka's words; undefined if nothing is. */
export function settingProblem(name: string, value: string): string | undefined {
  const setting = TOPIC_SETTINGS.get(name)
  if (setting === undefined) return `Unknown topic config name: ${name}`
  const wrong = (why: string): string => `Invalid value ${value} for configuration ${name}: ${why}`
  switch (setting.type) {
    case 'boolean':
      return /^(true|false)$/i.test(value.trim()) ? undefined : wrong('Expected value to be either true or false')
    case 'string':
      return setting.allowed === undefined || setting.allowed.includes(value)
        ? undefined
        : wrong(`String must be one of: ${setting.allowed.join(', ')}`)
    case 'list': {
      const allowed = setting.allowed
      const bad = allowed === undefined ? undefined : listOf(value).find(item => !allowed.includes(item))
      return bad === undefined ? undefined : wrong(`String must be one of: ${(allowed ?? []).join(', ')}`)
    }
    case 'double': {
      const number = Number(value)
      if (value.trim() === '' || Number.isNaN(number)) return wrong('Not a number of type DOUBLE')
      return number >= Number(setting.lowest) && number <= (setting.highest ?? Infinity)
        ? undefined
        : wrong('Value is out of range')
    }
    case 'int':
    case 'long': {
      if (!/^[+-]?\d+$/.test(value.trim())) return wrong(`Not a number of type ${setting.type.toUpperCase()}`)
      const number = BigInt(value.trim().replace('+', ''))
      const limit = setting.type === 'int' ? BigInt(MAX_INT) + 1n : LONG_LIMIT
      if (number >= limit || number < -limit) return wrong(`Not a number of type ${setting.type.toUpperCase()}`)
      if (number < BigInt(setting.lowest ?? -limit)) return wrong(`Value must be at least ${setting.lowest}`)
      if (setting.highest !== undefined && number > BigInt(setting.highest)) {
        return wrong(`Value must be no more than ${setting.highest}`)
      }
      return undefined
    }
  }
}

/** What a list setting holds. */
export function listOf(value: string): string[] {
  return value
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

/** Longs beyond 2^53 only ever mean "no limit". */
function numberOf(value: string): number {
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER)
}

/** @param valueOf - The effective value of a setting. */
export function logConfigOf(valueOf: (name: string) => string): LogConfig {
  const number = (name: string): number => numberOf(valueOf(name))
  const policies = listOf(valueOf('cleanup.policy'))
  return {
    deletes: policies.includes('delete'),
    compacts: policies.includes('compact'),
    retentionMs: number('retention.ms'),
    retentionBytes: number('retention.bytes'),
    segmentBytes: number('segment.bytes'),
    segmentMs: number('segment.ms'),
    maxMessageBytes: number('max.message.bytes'),
    logAppendTime: valueOf('message.timestamp.type') === 'LogAppendTime',
    timestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    timestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    deleteRetentionMs: number('delete.retention.ms'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio')
  }
}
