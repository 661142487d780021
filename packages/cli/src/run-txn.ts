import type { ActiveProducer, TransactionAdmin, TransactionDescription } from '@millrace/client'
import type { TopicPartition } from '@millrace/streams/ports'
import { clientConfig } from './client-config.ts'
import type { CliIo } from './main.ts'
import { durationText, textTable } from './text-table.ts'
import type { TxnCommand } from './txn-command-line.ts'
import { UsageError } from './usage-error.ts'

const FAILED = 1
const USAGE = 2
/** Found, and not as it should be: for scripts that look. */
const HANGING = 3
const LATEST_PRODUCERS = 5

/** Looks at transactions, and ends them. Returns the exit code. */
export async function runTxn(command: TxnCommand, io: CliIo): Promise<number> {
  // Loaded here: workers do without.
  const [{ createCluster, TransactionAdmin: Admin }, { checkKafkajsOptions, kafkajsTransport }, ports, core] =
    await Promise.all([
      import('@millrace/client'),
      import('@millrace/transport-kafkajs'),
      import('@millrace/streams/ports'),
      import('@millrace/streams/core')
    ])
  const { systemClock: clock, systemRandom: random, SILENT_LOGGER: logger } = ports
  try {
    const options = await clientConfig(command, io.env)
    checkKafkajsOptions(options, command.clientConfig ?? 'kafka')
    const cluster = createCluster({
      transport: kafkajsTransport({ clientId: 'millrace', ...options }),
      clock,
      random,
      logger
    })
    try {
      await cluster.refresh([])
      const admin = new Admin({ cluster, clock, random, logger })
      return await new TxnRun(command, admin, io, clock.nowMs()).run()
    } finally {
      await cluster.close()
    }
  } catch (error) {
    if (error instanceof UsageError) {
      io.writeError(`${error.message}\nSee \`millrace --help\`.\n`)
      return USAGE
    }
    if (!core.isStreamsError(error)) throw error
    io.writeError(`${error.message}\n`)
    return error.code.startsWith('CONFIG_') ? USAGE : FAILED
  }
}

class TxnRun {
  readonly #command: TxnCommand
  readonly #admin: TransactionAdmin
  readonly #io: CliIo
  readonly #nowMs: number

  constructor(command: TxnCommand, admin: TransactionAdmin, io: CliIo, nowMs: number) {
    this.#command = command
    this.#admin = admin
    this.#io = io
    this.#nowMs = nowMs
  }

  async run(): Promise<number> {
    const command = this.#command
    switch (command.action) {
      case 'list':
        return await this.#list(command.states, command.longerThanMs)
      case 'describe':
        return await this.#describe(command.transactionalId)
      case 'abort':
        return await this.#abort(command.transactionalId)
      case 'abort-in-partition':
        return await this.#abortInPartition(command, command.startOffset)
      case 'find-hanging':
        return await this.#findHanging(command.topic, command.partition, command.longerThanMs)
    }
  }

  async #list(states: readonly string[], longerThanMs: number | undefined): Promise<number> {
    const listed = await this.#admin.list({ states })
    const described = await Promise.all(listed.map(({ transactionalId }) => this.#admin.describe(transactionalId)))
    const found = described
      .filter(each => each !== undefined)
      .filter(({ startTimeMs }) => {
        if (longerThanMs === undefined) return true
        return startTimeMs !== undefined && this.#nowMs - startTimeMs > longerThanMs
      })
    if (this.#command.json) return this.#print(found.map(each => this.#asJson(each)))
    if (found.length === 0) this.#io.writeOut('There are none.\n')
    else {
      const headings = ['TRANSACTIONAL ID', 'STATE', 'PRODUCER', 'EPOCH', 'AGE', 'TIMEOUT', 'PARTITIONS']
      const rows = found.map(each => [
        each.transactionalId,
        each.state,
        String(each.producerId),
        String(each.producerEpoch),
        this.#ageOf(each.startTimeMs),
        durationText(each.timeoutMs),
        String(each.partitions.length)
      ])
      this.#io.writeOut(textTable(headings, rows))
    }
    return 0
  }

  async #describe(transactionalId: string): Promise<number> {
    const found = await this.#admin.describe(transactionalId)
    if (found === undefined) return this.#unknown(transactionalId)
    if (this.#command.json) return this.#print(this.#asJson(found))
    const lines = [
      ['transactional id', found.transactionalId],
      ['state', found.state],
      ['producer id', String(found.producerId)],
      ['producer epoch', String(found.producerEpoch)],
      ['age', this.#ageOf(found.startTimeMs)],
      ['time-out', durationText(found.timeoutMs)],
      ['partitions', found.partitions.length === 0 ? 'none' : found.partitions.map(nameOf).join(' ')]
    ]
    const width = Math.max(...lines.map(([name = '']) => name.length))
    this.#io.writeOut(lines.map(([name = '', value]) => `${name.padEnd(width)}  ${value}\n`).join(''))
    return 0
  }

  /** A transaction that its coordinator knows is ended by whoever takes its id over. */
  async #abort(transactionalId: string): Promise<number> {
    const before = await this.#admin.describe(transactionalId)
    if (before === undefined) return this.#unknown(transactionalId)
    const isOpen = ['Ongoing', 'PrepareCommit', 'PrepareAbort'].includes(before.state)
    if (!isOpen) {
      const text = `'${transactionalId}' has no open transaction: it is ${before.state}. Nothing was done.`
      if (this.#command.json) return this.#print({ aborted: false, ...this.#asJson(before) })
      this.#io.writeOut(`${text}\n`)
      return 0
    }
    await this.#admin.fence(transactionalId)
    // One that was about to be committed is committed.
    const after = await this.#admin.describe(transactionalId)
    const committed = before.state === 'PrepareCommit'
    if (this.#command.json) return this.#print({ ...this.#asJson(before), aborted: !committed, state: after?.state })
    this.#io.writeOut(
      `The transaction of '${transactionalId}', ${this.#ageOf(before.startTimeMs)} old, in ${before.partitions.map(nameOf).join(', ') || 'no partition'} ` +
        `was ${committed ? 'already being committed, and is now' : 'aborted'}. Its producer (id ${before.producerId}, epoch ${before.producerEpoch}) is fenced.\n`
    )
    return 0
  }

  async #abortInPartition({ topic, partition }: TopicPartition, startOffset: number): Promise<number> {
    const producers = await this.#admin.producers([{ topic, partition }])
    const found = producers.find(({ transactionStartOffset }) => transactionStartOffset === startOffset)
    if (found === undefined) {
      const open = producers.filter(({ transactionStartOffset }) => transactionStartOffset !== undefined)
      const others = open
        .slice(0, LATEST_PRODUCERS)
        .map(({ producerId, transactionStartOffset }) => `${transactionStartOffset} (producer ${producerId})`)
      const advice =
        others.length === 0 ? 'None is open there.' : `Open there are those that begin at ${others.join(', ')}.`
      this.#io.writeError(
        `No open transaction of ${nameOf({ topic, partition })} begins at offset ${startOffset}. ${advice}\n`
      )
      return FAILED
    }
    await this.#admin.abort(found)
    if (this.#command.json) return this.#print({ aborted: true, ...this.#producerJson(found) })
    this.#io.writeOut(
      `The transaction of producer ${found.producerId}, epoch ${found.producerEpoch}, that began at offset ${startOffset} of ${nameOf(found)} was aborted there.\n`
    )
    return 0
  }

  async #findHanging(topic: string | undefined, partition: number | undefined, longerThanMs: number): Promise<number> {
    const partitions = topic === undefined ? undefined : await this.#admin.partitionsOf(topic, partition)
    const found = await this.#admin.findHanging(partitions, { longerThanMs, nowMs: this.#nowMs })
    if (this.#command.json) {
      this.#print(found.map(each => ({ ...this.#producerJson(each), transactionalId: each.transactionalId ?? null })))
      return found.length === 0 ? 0 : HANGING
    }
    if (found.length === 0) {
      this.#io.writeOut(
        `None is open for longer than ${durationText(longerThanMs)} without a coordinator that will end it.\n`
      )
      return 0
    }
    const headings = ['TOPIC', 'PARTITION', 'START OFFSET', 'PRODUCER', 'EPOCH', 'LAST WRITE', 'TRANSACTIONAL ID']
    const rows = found.map(each => [
      each.topic,
      String(each.partition),
      String(each.transactionStartOffset),
      String(each.producerId),
      String(each.producerEpoch),
      `${durationText(this.#nowMs - each.lastTimestampMs)} ago`,
      each.transactionalId ?? '-'
    ])
    this.#io.writeOut(textTable(headings, rows))
    const [first] = found
    if (first !== undefined) {
      this.#io.writeOut(
        `\nEnd one with \`millrace txn abort --topic ${first.topic} --partition ${first.partition} --start-offset ${first.transactionStartOffset}\`.\n`
      )
    }
    return HANGING
  }

  #unknown(transactionalId: string): number {
    this.#io.writeError(
      `No coordinator knows the transactional id '${transactionalId}'. \`millrace txn list\` tells those there are.\n`
    )
    return FAILED
  }

  #ageOf(startTimeMs: number | undefined): string {
    return startTimeMs === undefined ? '-' : durationText(this.#nowMs - startTimeMs)
  }

  #asJson(each: TransactionDescription): object {
    const { startTimeMs } = each
    const ageMs = startTimeMs === undefined ? null : Math.max(0, this.#nowMs - startTimeMs)
    return { ...each, producerId: String(each.producerId), startTimeMs: startTimeMs ?? null, ageMs }
  }

  #producerJson(each: ActiveProducer): object {
    return { ...each, producerId: String(each.producerId) }
  }

  #print(value: unknown): number {
    this.#io.writeOut(`${JSON.stringify(value, undefined, 2)}\n`)
    return 0
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
