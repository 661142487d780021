import { describe, expect, it } from 'vitest'
import type { AssignorMember, TopicPartition } from '../../ports/index.ts'
import { assignTasks } from './assign-tasks.ts'
import type { TaskInputs } from './group-state.ts'
import { createTaskAssignor } from './task-assignor.ts'
import { decodeTaskData, encodeTaskData } from './task-data.ts'

const ONE_TOPIC: TaskInputs = new Map([[0, new Map([['t', 6]])]])

interface Given {
  readonly owned?: readonly string[]
  readonly generationId?: number
  readonly stored?: Readonly<Record<string, number>>
  readonly process?: string
  readonly topics?: readonly string[]
}

function member(memberId: string, given: Given = {}): AssignorMember {
  return {
    memberId,
    groupInstanceId: undefined,
    topics: given.topics ?? ['t', 'u', 'v'],
    userData: encodeTaskData({
      processName: given.process ?? memberId,
      tasks: new Map(Object.entries(given.stored ?? {}))
    }),
    owned: (given.owned ?? []).map(parse),
    generationId: given.generationId ?? (given.owned === undefined ? -1 : 5)
  }
}

function parse(text: string): TopicPartition {
  const [topic, partition] = text.split('-') as [string, string]
  return { topic, partition: Number(partition) }
}

/** For example { a: ['t-0', 't-1'] }. */
function assigned(inputs: TaskInputs, members: readonly AssignorMember[]): Record<string, string[]> {
  const result = assignTasks(inputs, members, 'leader')
  return Object.fromEntries(
    [...result].map(([memberId, { partitions }]) => [
      memberId,
      partitions.map(({ topic, partition }) => `${topic}-${partition}`).sort()
    ])
  )
}

describe('the task assignor', () => {
  it('tells of topics that others read and the leader does not', async () => {
    const told: (readonly string[])[] = []
    const assignor = createTaskAssignor({
      inputs: ONE_TOPIC,
      processName: 'leader',
      storedTasks: () => [],
      onForeignTopics: topics => told.push(topics)
    })
    await assignor.assign([member('a', { topics: ['t'] }), member('b', { topics: [] })])
    await assignor.assign([member('a', { topics: ['t'] }), member('b', { topics: ['v', 't', 'u'] })])
    expect(told).toEqual([['u', 'v']])
  })

  it('gives everything to the only member', () => {
    expect(assigned(ONE_TOPIC, [member('a')])).toEqual({ a: ['t-0', 't-1', 't-2', 't-3', 't-4', 't-5'] })
  })

  it('leaves a task out until its owner gave it up, and then hands it over', () => {
    const a = member('a', { owned: ['t-0', 't-1', 't-2', 't-3', 't-4', 't-5'] })
    const first = assigned(ONE_TOPIC, [a, member('b')])
    expect(first).toEqual({ a: ['t-0', 't-1', 't-2'], b: [] })
    const second = assigned(ONE_TOPIC, [member('a', { owned: first.a ?? [] }), member('b')])
    expect(second).toEqual({ a: ['t-0', 't-1', 't-2'], b: ['t-3', 't-4', 't-5'] })
  })

  it('tells a member also of the tasks that others have yet to give up', () => {
    const result = assignTasks(
      ONE_TOPIC,
      [member('a', { owned: ['t-0', 't-1', 't-2', 't-3', 't-4', 't-5'] }), member('b')],
      'boss'
    )
    const data = decodeTaskData(result.get('b')?.userData ?? new Uint8Array())
    expect(data).toEqual({
      processName: 'boss',
      tasks: new Map([
        ['0_3', 0],
        ['0_4', 0],
        ['0_5', 0]
      ])
    })
  })

  it('moves all partitions of a task together', () => {
    const inputs: TaskInputs = new Map([
      [
        0,
        new Map([
          ['t', 2],
          ['u', 2]
        ])
      ]
    ])
    const a = member('a', { owned: ['t-0', 'u-0', 't-1', 'u-1'] })
    expect(assigned(inputs, [a, member('b')])).toEqual({ a: ['t-0', 'u-0'], b: [] })
    // Halves in two hands: neither keeps its half beside the other's.
    const halves = [member('a', { owned: ['t-0'] }), member('b', { owned: ['u-0'] })]
    expect(
      assigned(
        new Map([
          [
            0,
            new Map([
              ['t', 1],
              ['u', 1]
            ])
          ]
        ]),
        halves
      )
    ).toEqual({ a: [], b: [] })
  })

  it('adds the partition of a topic that grew to the owner of its task', () => {
    const inputs: TaskInputs = new Map([
      [
        0,
        new Map([
          ['t', 2],
          ['u', 2]
        ])
      ]
    ])
    const members = [member('a', { owned: ['t-0', 'u-0'] }), member('b', { owned: ['t-1'] })]
    expect(assigned(inputs, members)).toEqual({ a: ['t-0', 'u-0'], b: ['t-1', 'u-1'] })
  })

  it('makes no partition for a topic that is shorter than another of its sub-topology', () => {
    const inputs: TaskInputs = new Map([
      [
        0,
        new Map([
          ['t', 2],
          ['u', 1]
        ])
      ]
    ])
    expect(assigned(inputs, [member('a')])).toEqual({ a: ['t-0', 't-1', 'u-0'] })
  })

  it('believes the claim of the newer generation', () => {
    const inputs: TaskInputs = new Map([[0, new Map([['t', 2]])]])
    const members = [
      member('a', { owned: ['t-0', 't-1'], generationId: 3 }),
      member('b', { owned: ['t-1'], generationId: 4 })
    ]
    expect(assigned(inputs, members)).toEqual({ a: ['t-0'], b: ['t-1'] })
    expect(assigned(inputs, [...members].reverse())).toEqual({ a: ['t-0'], b: ['t-1'] })
  })

  it('makes both give up what two members claim under one generation', () => {
    const inputs: TaskInputs = new Map([[0, new Map([['t', 2]])]])
    const members = [member('a', { owned: ['t-0', 't-1'] }), member('b', { owned: ['t-1'] })]
    expect(assigned(inputs, members)).toEqual({ a: ['t-0'], b: [] })
  })

  it('sends tasks without an owner to the member with the most state', () => {
    const members = [
      member('a', { stored: { '0_3': 10, '0_4': 10, '0_5': 99 } }),
      member('b', { stored: { '0_0': 5, '0_1': 7, '0_5': 100 } })
    ]
    expect(assigned(ONE_TOPIC, members)).toEqual({ a: ['t-2', 't-3', 't-4'], b: ['t-0', 't-1', 't-5'] })
  })

  it('gives up those tasks for which the member that comes back has state', () => {
    const a = member('a', { owned: ['t-0', 't-1', 't-2', 't-3', 't-4', 't-5'], stored: { '0_1': 50 } })
    const b = member('b', { stored: { '0_0': 40, '0_2': 10, '0_3': 30 } })
    expect(assigned(ONE_TOPIC, [a, b]).a).toEqual(['t-1', 't-4', 't-5'])
  })

  it('evens out each sub-topology, not only the total', () => {
    const inputs: TaskInputs = new Map([
      [0, new Map([['t', 2]])],
      [1, new Map([['u', 2]])]
    ])
    const result = assigned(inputs, [member('a'), member('b')])
    for (const partitions of Object.values(result)) expect(partitions.map(each => each[0])).toEqual(['t', 'u'])
  })

  it('gives a task only to members that subscribe to its topics', () => {
    const inputs: TaskInputs = new Map([
      [0, new Map([['t', 4]])],
      [1, new Map([['u', 2]])]
    ])
    const result = assigned(inputs, [member('old', { topics: ['t'] }), member('new')])
    expect(result.new).toEqual(expect.arrayContaining(['u-0', 'u-1']))
    expect(result.old?.every(each => each.startsWith('t-'))).toBe(true)
    expect(Object.values(result).flat()).toHaveLength(6)
    expect(assigned(inputs, [member('old', { topics: ['t'] })]).old).toHaveLength(4)
  })

  it('takes a member whose user data it cannot read for one without state', () => {
    const stranger = { ...member('a'), userData: new Uint8Array([0, 9, 9]) }
    expect(assigned(ONE_TOPIC, [stranger]).a).toHaveLength(6)
  })

  it('offers its stored tasks with each join, and asks for the inputs at each assignment', async () => {
    let count = 1
    const stored = ['0_1']
    const assignor = createTaskAssignor({
      inputs: async () => new Map([[0, new Map([['t', count++]])]]),
      processName: 'p',
      storedTasks: () => stored
    })
    expect(assignor.name).toBe('millrace-sticky-1')
    stored.push('0_2')
    expect(decodeTaskData(assignor.userData())).toEqual({
      processName: 'p',
      tasks: new Map([
        ['0_1', 0],
        ['0_2', 0]
      ])
    })
    expect((await assignor.assign([member('a')])).get('a')?.partitions).toHaveLength(1)
    expect((await assignor.assign([member('a')])).get('a')?.partitions).toHaveLength(2)
  })

  it('assigns two thousand tasks to a hundred members evenly', () => {
    const inputs: TaskInputs = new Map(Array.from({ length: 20 }, (_, sub) => [sub, new Map([[`t${sub}`, 103]])]))
    const topics = [...inputs.keys()].map(sub => `t${sub}`)
    const members = Array.from({ length: 100 }, (_, index) => member(`m${index}`, { topics }))
    const result = assignTasks(inputs, members, 'leader')
    const sizes = [...result.values()].map(({ partitions }) => partitions.length)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
  })
})
