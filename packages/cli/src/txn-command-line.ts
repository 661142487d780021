import { type Duration, durationMs, isStreamsError } from '@millrace/streams/core'
import { nearestName } from './nearest-name.ts'
import { UsageError } from './usage-error.ts'

/** How Kafka is reached. */
export interface KafkaAccess {
  readonly brokers: readonly string[] | undefined
  /** A file of options of the connection: TLS, SASL. */
  readonly clientConfig: string | undefined
}

interface TxnCommandBase extends KafkaAccess {
  readonly command: 'txn'
  readonly json: boolean
}

export type TxnCommand = TxnCommandBase &
  (
    | { readonly action: 'list'; readonly states: readonly string[]; readonly longerThanMs: number | undefined }
    | { readonly action: 'describe' | 'abort'; readonly transactionalId: string }
    | {
        readonly action: 'abort-in-partition'
        readonly topic: string
        readonly partition: number
        readonly startOffset: number
      }
    | {
        readonly action: 'find-hanging'
        readonly topic: string | undefined
        readonly partition: number | undefined
        readonly longerThanMs: number
      }
  )

const TXN_ACTIONS = ['list', 'describe', 'abort', 'find-hanging'] as const

/** As parseArgs gives them. */
export type TxnValues = Readonly<Record<string, unknown>>

/** What a broker allows a transaction at most, unless it was told otherwise: none that is sound is open for longer. */
const MAX_TRANSACTION_TIMEOUT_MS = 900_000
const OPTIONS_OF: Readonly<Record<string, readonly string[]>> = {
  list: ['state', 'longer-than'],
  describe: [],
  abort: ['topic', 'partition', 'start-offset'],
  'find-hanging': ['topic', 'partition', 'longer-than']
}
const OWN_OPTIONS = [...new Set(Object.values(OPTIONS_OF).flat())]

/** @throws UsageError */
export function txnCommand(values: TxnValues, positionals: readonly string[]): TxnCommand {
  const [action, transactionalId, ...surplus] = positionals
  if (action === undefined) throw new UsageError(`\`txn\` needs what to do: ${TXN_ACTIONS.join(', ')}.`)
  if (!(TXN_ACTIONS as readonly string[]).includes(action)) {
    const nearest = nearestName(action, TXN_ACTIONS)
    const advice = nearest === undefined ? `It can ${TXN_ACTIONS.join(', ')}.` : `Did you mean ${nearest}?`
    throw new UsageError(`\`txn\` cannot '${action}'. ${advice}`)
  }
  const stray = OWN_OPTIONS.find(option => option in values && !OPTIONS_OF[action]?.includes(option))
  if (stray !== undefined) throw new UsageError(`--${stray} is no option of \`txn ${action}\`.`)
  if (surplus.length > 0) throw new UsageError(`\`txn ${action}\` takes no '${surplus[0]}'.`)
  if (values.brokers !== undefined && values['bootstrap-server'] !== undefined) {
    throw new UsageError('--brokers and --bootstrap-server are the same. Give one of them.')
  }
  const addresses = (values.brokers ?? values['bootstrap-server']) as string | undefined
  const base: TxnCommandBase = {
    command: 'txn',
    json: values.json === true,
    brokers: addresses?.split(',').map(address => address.trim()),
    clientConfig: values['client-config'] as string | undefined
  }
  switch (action) {
    case 'list': {
      if (transactionalId !== undefined) throw new UsageError(`\`txn list\` takes no '${transactionalId}'.`)
      return { ...base, action, states: (values.state as string[] | undefined) ?? [], longerThanMs: longerThan(values) }
    }
    case 'find-hanging': {
      if (transactionalId !== undefined) throw new UsageError(`\`txn find-hanging\` takes no '${transactionalId}'.`)
      const topic = values.topic as string | undefined
      const partition = wholeNumber('partition', values)
      if (partition !== undefined && topic === undefined) throw new UsageError('--partition needs a --topic.')
      return { ...base, action, topic, partition, longerThanMs: longerThan(values) ?? MAX_TRANSACTION_TIMEOUT_MS }
    }
    case 'abort': {
      const isOfPartition = OPTIONS_OF.abort?.some(option => option in values)
      if (isOfPartition !== true) break
      const topic = values.topic as string | undefined
      const partition = wholeNumber('partition', values)
      const startOffset = wholeNumber('start-offset', values)
      if (
        transactionalId !== undefined ||
        topic === undefined ||
        partition === undefined ||
        startOffset === undefined
      ) {
        throw new UsageError(
          '`txn abort` takes a transactional id, or --topic, --partition and --start-offset together, as `txn find-hanging` tells them.'
        )
      }
      return { ...base, action: 'abort-in-partition', topic, partition, startOffset }
    }
  }
  if (transactionalId === undefined || transactionalId === '') {
    throw new UsageError(`\`txn ${action}\` needs a transactional id. \`millrace txn list\` tells those there are.`)
  }
  return { ...base, action: action as 'describe' | 'abort', transactionalId }
}

function longerThan({ 'longer-than': given }: TxnValues): number | undefined {
  if (given === undefined) return undefined
  try {
    return durationMs(String(given) as Duration, '--longer-than')
  } catch (error) {
    if (!isStreamsError(error)) throw error
    throw new UsageError(`--longer-than is a duration, such as 60s or 15m; given was '${String(given)}'.`)
  }
}

function wholeNumber(option: string, values: TxnValues): number | undefined {
  const given = values[option]
  if (given === undefined) return undefined
  const number = /^\d{1,15}$/.test(String(given)) ? Number(given) : Number.NaN
  if (Number.isNaN(number)) throw new UsageError(`--${option} is a whole number; given was '${String(given)}'.`)
  return number
}
