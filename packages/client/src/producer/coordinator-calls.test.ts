import { expect, test } from 'vitest'
import type { Fault } from './test-support/fake-kafka.ts'
import { ProducerRig } from './test-support/producer-rig.ts'

const COORDINATOR_LOAD_IN_PROGRESS = 14
const INVALID_TRANSACTION_TIMEOUT = 50
const CONCURRENT_TRANSACTIONS = 51
const GROUP_ID_NOT_FOUND = 69

const OFFSETS = [{ topic: 'in', partition: 0, offset: 1, metadata: '' }]
const MEMBER = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: undefined }

/** Of a commit outside of transactions that is answered so for ever: the error, and when it was tried. */
async function commitUnder(fault: Fault, options: { retryBackoffMs?: number; retryBackoffMaxMs?: number } = {}) {
  const rig = await ProducerRig.open({ maxBlockMs: 30_000, ...options })
  rig.kafka.fault = ({ name }) => (name === 'OffsetCommit' ? fault : undefined)
  const error = await rig.wait(rig.producer.commit(OFFSETS, MEMBER).catch((cause: unknown) => cause))
  const triedMs = rig.kafka.requests.filter(({ name }) => name === 'OffsetCommit').map(({ atMs }) => atMs)
  return { error, waitsMs: triedMs.slice(1).map((atMs, index) => atMs - triedMs[index]!) }
}

test.each([
  ['an error that passes', { kind: 'code', code: COORDINATOR_LOAD_IN_PROGRESS }],
  ['no answer', { kind: 'lost' }]
] as const)('after %s the waits are those that the user chose', async (_name, fault) => {
  const { waitsMs } = await commitUnder(fault, { retryBackoffMs: 3_000, retryBackoffMaxMs: 7_000 })
  // Each attempt takes a millisecond.
  expect(waitsMs).toEqual([3_001, 6_001, 7_001, 7_001])
})

test('the end of the transaction before is asked for soon, whatever the user chose', async () => {
  const rig = await ProducerRig.open()
  let failures = 3
  rig.kafka.fault = ({ name }) =>
    name === 'InitProducerId' && failures-- > 0 ? { kind: 'code', code: CONCURRENT_TRANSACTIONS } : undefined
  const beganMs = rig.clock.monotonicMs()
  await rig.create({ transactionalId: 't', retryBackoffMs: 3_000, retryBackoffMaxMs: 7_000 })
  expect(failures).toBeLessThan(0)
  expect(rig.clock.monotonicMs() - beganMs).toBeLessThan(50)
})

test('an error tells what the coordinator said last, or that it said nothing', async () => {
  const said = await commitUnder({ kind: 'code', code: COORDINATOR_LOAD_IN_PROGRESS })
  expect(said.error).toMatchObject({
    code: 'CLIENT_REQUEST_TIMED_OUT',
    message: expect.stringContaining('(last: COORDINATOR_LOAD_IN_PROGRESS)')
  })
  const silent = await commitUnder({ kind: 'lost' })
  expect(silent.error).toMatchObject({
    code: 'CLIENT_REQUEST_TIMED_OUT',
    message: expect.stringContaining('(last: no answer)'),
    cause: expect.objectContaining({ message: expect.stringContaining('OffsetCommit was not answered') })
  })
})

test('offsets for a group that is gone are another generation’s', async () => {
  const { error, waitsMs } = await commitUnder({ kind: 'code', code: GROUP_ID_NOT_FOUND })
  expect(error).toMatchObject({ code: 'TASK_MIGRATED' })
  expect(waitsMs).toEqual([])
})

test('a transaction time-out that the broker does not allow is named, with its value and the broker’s option', async () => {
  const rig = await ProducerRig.open()
  rig.kafka.fault = ({ name }) =>
    name === 'InitProducerId' ? { kind: 'code', code: INVALID_TRANSACTION_TIMEOUT } : undefined
  await expect(rig.create({ transactionalId: 't', transactionTimeoutMs: 900_001 })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(/transactionTimeoutMs 900001 .*'t'.*transaction\.max\.timeout\.ms/)
  })
})
