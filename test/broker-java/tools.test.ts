// Kafka's own command line tools on the embedded broker.
import { randomUUID } from 'node:crypto'
import { EmbeddedBroker } from '@millrace/broker'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runTool } from './java-process.ts'

const GROUPS = 'consumer.group.ConsumerGroupCommand'

let broker: EmbeddedBroker
const errors: unknown[] = []

beforeAll(async () => {
  const logger = { debug() {}, info() {}, warn() {}, error: (...said: unknown[]) => errors.push(said) }
  broker = await EmbeddedBroker.start({ port: 0, logger })
})

afterAll(() => broker.close())

/** What a tool said, whose exit code must be 0. */
async function tool(name: string, args: string, input?: string): Promise<string> {
  const { exitCode, output } = await runTool(name, broker.bootstrap, args.split(' '), input)
  expect(exitCode, output).toBe(0)
  return output
}

/** Its lines, cut into words, empty ones left out. */
function wordsOf(output: string): string[][] {
  const lines = output.split('\n').map(line => line.trim().split(/\s+/))
  return lines.filter(words => words.join('') !== '')
}

test('kafka-topics creates, lists, describes, grows and deletes a topic', async () => {
  await tool('TopicCommand', '--create --topic made --partitions 2 --config cleanup.policy=compact')
  expect(wordsOf(await tool('TopicCommand', '--list'))).toEqual([['made']])
  await tool('TopicCommand', '--alter --topic made --partitions 3')
  const [first, ...partitions] = wordsOf(await tool('TopicCommand', '--describe --topic made'))
  expect(first?.join(' ')).toMatch(/^Topic: made TopicId: \S{22} PartitionCount: 3 .*cleanup\.policy=compact/)
  expect(partitions.map(words => words.slice(0, 6).join(' '))).toEqual(
    [0, 1, 2].map(partition => `Topic: made Partition: ${partition} Leader: 1`)
  )
  await tool('TopicCommand', '--delete --topic made')
  expect(wordsOf(await tool('TopicCommand', '--list'))).toEqual([])
  const gone = await runTool('TopicCommand', broker.bootstrap, ['--describe', '--topic', 'made'])
  expect(gone).toMatchObject({ exitCode: 1, output: expect.stringContaining("Topic 'made' does not exist") as string })
})

test('console producer and consumer in each compression; kafka-consumer-groups shows, resets and deletes the group', async () => {
  await tool('TopicCommand', '--create --topic said --partitions 3')
  const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
  for (const codec of codecs) {
    const input = Array.from({ length: 100 }, (_, i) => `k${i}:${codec} ${i}\n`).join('')
    const options = '--reader-property parse.key=true --reader-property key.separator=:'
    await tool('ConsoleProducer', `--topic said --compression-codec ${codec} ${options}`, input)
  }
  const options = '--formatter-property print.key=true --formatter-property key.separator=:'
  const consume = `--topic said --from-beginning --group readers --max-messages 500 --timeout-ms 30000 ${options}`
  const lines = (await tool('consumer.ConsoleConsumer', consume)).trim().split('\n')
  const expected = codecs.flatMap(codec => Array.from({ length: 100 }, (_, i) => `k${i}:${codec} ${i}`))
  expect(lines.toSorted()).toEqual(expected.toSorted())

  expect(await tool(GROUPS, '--list')).toBe('readers\n')
  const described = async (): Promise<number[][]> => {
    const rows = wordsOf(await tool(GROUPS, '--describe --group readers')).filter(([group]) => group === 'readers')
    return rows.map(row => row.slice(2, 6).map(Number)).toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0))
  }
  const read = await described()
  expect(read.map(([partition, , , lag]) => [partition, lag])).toEqual([0, 1, 2].map(partition => [partition, 0]))
  expect(read.reduce((sum, [, current]) => sum + (current ?? 0), 0)).toBe(500)
  await tool(GROUPS, '--group readers --topic said:0 --reset-offsets --to-offset 10 --execute')
  const end = read[0]?.[2] ?? 0
  expect(await described()).toEqual([[0, 10, end, end - 10], ...read.slice(1)])
  await tool(GROUPS, '--group readers --topic said:1 --delete-offsets')
  expect((await described()).map(row => row.slice(0, 2))).toEqual([
    [0, 10],
    [2, read[2]?.[1]]
  ])
  expect(wordsOf(await tool(GROUPS, '--describe --group readers --state')).flat()).toEqual(
    expect.arrayContaining(['readers', 'Empty', '0'])
  )
  await tool(GROUPS, '--delete --group readers')
  expect(wordsOf(await tool(GROUPS, '--list'))).toEqual([])
  await tool('TopicCommand', '--delete --topic said')
})

test('kafka-transactions lists and describes what runs, and the producers of a partition', async () => {
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
  const id = `id-${randomUUID()}`
  const producer = kafka.producer({ transactionalId: id, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic: 'paid', messages: [{ value: 'one' }, { value: 'two' }] })

  const TRANSACTIONS = 'TransactionsCommand'
  const listed = wordsOf(await tool(TRANSACTIONS, 'list'))
  expect(listed.slice(1).map(row => [row[0], row[3]])).toEqual([[id, 'Ongoing']])
  const producerId = listed[1]?.[2]
  const running = wordsOf(await tool(TRANSACTIONS, `describe --transactional-id ${id}`))[1]
  expect(running?.slice(1, 3)).toEqual([id, producerId])
  expect(running?.at(-1)).toBe('paid-0')
  const producers = wordsOf(await tool(TRANSACTIONS, 'describe-producers --topic paid --partition 0'))
  expect(producers[0]).toEqual([
    'ProducerId',
    'ProducerEpoch',
    'LatestCoordinatorEpoch',
    'LastSequence',
    'LastTimestamp',
    'CurrentTransactionStartOffset'
  ])
  expect(producers.slice(1).map(row => [row[0], row[3], row[5]])).toEqual([[producerId, '1', '0']])
  // Nothing hangs that has a coordinator.
  expect(wordsOf(await tool(TRANSACTIONS, 'find-hanging --broker-id 1 --max-transaction-timeout 0'))).toHaveLength(1)

  await transaction.commit()
  await producer.disconnect()
  expect(
    wordsOf(await tool(TRANSACTIONS, 'list'))
      .slice(1)
      .map(row => row[3])
  ).toEqual(['CompleteCommit'])
  const [, after] = wordsOf(await tool(TRANSACTIONS, 'describe-producers --topic paid --partition 0'))
  expect([after?.[2], after?.[5]]).toEqual(['0', 'None'])
})

test('kafka-get-offsets tells ends', async () => {
  await tool('TopicCommand', '--create --topic kept --partitions 1')
  await tool('ConsoleProducer', '--topic kept', 'a\nb\nc\n')
  expect(await tool('GetOffsetShell', '--topic kept')).toBe('kept:0:3\n')
  expect(await tool('GetOffsetShell', '--topic kept --time earliest')).toBe('kept:0:0\n')
  expect(errors).toEqual([])
})
