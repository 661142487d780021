import { afterEach, describe, expect, test } from 'vitest'
import { type ErrorCode, serdeNotReady, StreamsError } from '../core/index.ts'
import { HeldRecord } from './task/held-record.ts'
import { away, LoopBench, type LoopBenchOptions, partitionOf } from './test-support/loop-bench.ts'

let bench: LoopBench
afterEach(async () => {
  // Two of the tests end it themselves.
  await bench.stop().catch(() => {})
})

function open(options: LoopBenchOptions = {}): LoopBench {
  bench = new LoopBench(options)
  return bench
}

/** A promise that is settled from outside. */
function later() {
  let settle: (error?: Error) => void = () => {}
  const promise = new Promise<void>((resolve, reject) => {
    settle = error => (error === undefined ? resolve() : reject(error))
  })
  return { promise, settle }
}

describe('a revocation', () => {
  test('waits for the restoring that it cancels and for no other, and processing goes on meanwhile', async () => {
    let slices = 0
    const process = () => {
      slices++
      return 0
    }
    open({ isReady: taskId => taskId === '0_0', task: () => ({ process }) })
    await bench.assign(0, 1, 2)
    await bench.until(1_000, () => slices > 0)
    await bench.within(500, bench.listener.onRevoked([partitionOf(2)]))
    expect(bench.loop.restoringTasks).toEqual(['0_1'])
    const before = slices
    await bench.pass(500)
    expect(slices).toBeGreaterThan(before)
    expect(bench.events).toEqual(['open 0_0', 'open 0_1', 'open 0_2'])
  })

  test('is preceded by a commit beside which nothing is processed', async () => {
    let slices = 0
    const commit = later()
    const stub = {
      commitNeeded: false,
      process: () => {
        slices++
        return 1
      }
    }
    open({ task: () => stub, producer: { commit: () => commit.promise } })
    await bench.assign(0, 1)
    await bench.until(1_000, () => bench.loop.tasks.size === 2)
    stub.commitNeeded = true
    const revoked = bench.listener.onRevoked([partitionOf(1)])
    await bench.until(1_000, () => bench.events.includes('commit'))
    const before = slices
    await bench.pass(100)
    expect(slices).toBe(before)
    commit.settle()
    stub.commitNeeded = false
    await bench.within(1_000, revoked)
    expect(bench.events.slice(-2)).toEqual(['commit', 'close 0_1'])
  })
})

describe('a commit', () => {
  test('is gone on beside, when no task is given up after it', async () => {
    let slices = 0
    const commit = later()
    const process = () => {
      slices++
      return 1
    }
    open({ task: () => ({ commitNeeded: true, process }), producer: { commit: () => commit.promise } })
    await bench.assign(0)
    await bench.until(1_000, () => bench.events.includes('commit'))
    const before = slices
    await bench.pass(100)
    expect(slices).toBeGreaterThan(before)
    commit.settle()
  })

  test('that fails is what is recovered from, also when the slice beside it failed as well', async () => {
    let isCommitting = false
    let listed = 0
    const outOfRange = new StreamsError('CLIENT_OFFSET_OUT_OF_RANGE', 'Gone.', { details: { ...partitionOf(0) } })
    const process = () => {
      if (isCommitting) throw outOfRange
      return 1
    }
    const failing = async () => {
      isCommitting = true
      await new Promise<void>(resolve => void bench.clock.setTimer(50, resolve))
      isCommitting = false
      throw away()
    }
    open({
      task: () => ({ commitNeeded: true, process }),
      producer: { commit: failing },
      admin: {
        listOffsets: async () => {
          listed++
          return [{ ...partitionOf(0), offset: 7 }]
        }
      }
    })
    await bench.assign(0)
    await bench.until(2_000, () => bench.events.length >= 4)
    expect(bench.events.slice(0, 4)).toEqual(['open 0_0', 'commit', 'close 0_0', 'open 0_0'])
    expect(listed).toBe(0)
  })

  test('is followed by steps that delete what has expired, until nothing is left', async () => {
    let left = 20
    let commits = 0
    const expireStep = () => {
      if (left === 0) return false
      left--
      // A step takes so long that one is all that a turn has time for.
      bench.clock.advance(2)
      return true
    }
    const commit = async () => {
      commits++
    }
    open({ task: () => ({ commitNeeded: true, expireStep }), producer: { commit } })
    await bench.assign(0)
    await bench.until(1_000, () => left === 0)
    expect(commits).toBe(1)
  })
})

describe('while brokers are away', () => {
  test('recovery is tried again until it succeeds', async () => {
    let slices = 0
    let resets = 0
    const process = () => {
      slices++
      if (slices === 3) throw away()
      return 0
    }
    const reset = async () => {
      resets++
      if (resets < 4) throw away()
    }
    open({ task: () => ({ process }), producer: { reset } })
    await bench.assign(0)
    await bench.until(10_000, () => bench.events.length === 3)
    expect(bench.events).toEqual(['open 0_0', 'close 0_0', 'open 0_0'])
    expect(resets).toBe(4)
    const before = slices
    await bench.pass(500)
    expect(slices).toBeGreaterThan(before)
  })

  test('the loss of membership is told all the same, and the application goes on', async () => {
    let resets = 0
    open({
      producer: {
        abort: async () => {
          throw new StreamsError('TRANSACTION_ABORTED', 'The broker ended it.')
        },
        reset: async () => {
          resets++
          if (resets < 3) throw away()
        }
      }
    })
    await bench.assign(0)
    await bench.until(1_000, () => bench.loop.tasks.size === 1)
    await bench.within(10_000, bench.listener.onLost([partitionOf(0)]))
    expect(bench.events).toEqual(['open 0_0', 'close 0_0'])
    bench.events.length = 0
    await bench.assign(0)
    await bench.until(1_000, () => bench.loop.tasks.size === 1)
    expect(bench.events).toEqual(['open 0_0'])
  })

  test('an assignment that needs a look at the topics is taken over as soon as they can be looked at', async () => {
    let looks = 0
    open({
      knows: () => false,
      replan: async () => {
        looks++
        if (looks === 1) throw away()
        return false
      }
    })
    await bench.assign(0)
    await bench.until(1_000, () => bench.loop.tasks.size === 1)
    expect(bench.events).toEqual(['open 0_0'])
  })
})

test('a task that gained an input while it was restored is opened anew with it', async () => {
  const inputs = [partitionOf(0)]
  const isReady = () => {
    // The plan changes when the opening has begun, before the loop takes the task over.
    if (inputs.length === 1) inputs.push({ topic: 'new', partition: 0 })
    return true
  }
  open({ inputsOf: () => [...inputs], isReady })
  await bench.assign(0)
  await bench.until(1_000, () => bench.loop.tasks.size === 1)
  expect(bench.events).toEqual(['open 0_0', 'close 0_0', 'open 0_0'])
  expect(bench.loop.tasks.get('0_0')?.positions).toHaveLength(2)
})

describe('a serde that is not ready', () => {
  test('wakes the loop when it is, where a record waits for it', async () => {
    const ready = later()
    const held = new HeldRecord(serdeNotReady('The schema is being fetched.', ready.promise), 1, {} as never)
    const stub = {
      held: held as HeldRecord | undefined,
      slices: 0,
      process() {
        stub.slices++
        if (stub.held?.isReady === true) stub.held = undefined
        return 0
      }
    }
    open({ task: () => stub })
    await bench.assign(0)
    await bench.until(1_000, () => stub.slices > 0)
    const atMs = bench.clock.monotonicMs()
    ready.settle()
    await bench.until(0, () => stub.held === undefined)
    expect(bench.clock.monotonicMs()).toBe(atMs)
  })

  test('takes the loop back to the last commit, once it is ready, where it was asked within a record', async () => {
    const ready = later()
    let slices = 0
    const process = () => {
      slices++
      if (slices === 1) throw serdeNotReady('The schema is being registered.', ready.promise)
      return 0
    }
    open({ task: () => ({ process }) })
    await bench.assign(0)
    await bench.until(1_000, () => slices === 1)
    await bench.pass(10_000)
    expect(slices).toBe(1)
    ready.settle()
    await bench.until(1_000, () => slices > 1)
    expect(bench.events.slice(0, 3)).toEqual(['open 0_0', 'close 0_0', 'open 0_0'])
  })
})

describe('an input whose log is not what it was', () => {
  /** The one task reads partition 0, and fails once. */
  async function readFromAfter(code: ErrorCode, details: object): Promise<string[]> {
    let failed = false
    const process = () => {
      if (failed) return 1
      failed = true
      throw new StreamsError(code, 'Gone.', { details: { ...partitionOf(0), ...details } })
    }
    const admin = { listOffsets: async () => [{ ...partitionOf(0), offset: 1 }] }
    open({ task: () => ({ process }), admin })
    await bench.assign(0)
    await bench.until(2_000, () => bench.readFrom.length > 1)
    expect(bench.events).toEqual(['open 0_0'])
    return bench.readFrom
  }

  test('is read on from where it parts ways with what was read, and nothing before that comes again', async () => {
    const details = { offset: 200, leaderEpoch: 4, divergentOffset: 100 }
    expect(await readFromAfter('CLIENT_LOG_TRUNCATED', details)).toEqual(['0@0', '0@100'])
  })

  test('is read from where the policy says when its offsets are gone', async () => {
    const details = { offset: 200, logStartOffset: 300, highWatermark: 400 }
    expect(await readFromAfter('CLIENT_OFFSET_OUT_OF_RANGE', details)).toEqual(['0@0', '0@1'])
  })
})

describe('closing', () => {
  const closed = new StreamsError('CLIENT_CLOSED', 'The producer is closed.')

  test('gives the last commit up when its time is over, and then what follows does not wait for the brokers either', async () => {
    const committing = later()
    let aborts = 0
    const producer = {
      commit: () => committing.promise,
      abort: async () => {
        aborts++
        throw closed
      },
      close: async () => committing.settle(closed)
    }
    open({ task: () => ({ commitNeeded: true }), producer })
    await bench.assign(0)
    await bench.until(1_000, () => bench.events.includes('commit'))
    const startMs = bench.clock.monotonicMs()
    bench.loop.stop(20_000)
    await bench.within(20_100, bench.ended)
    expect(bench.clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(20_000)
    expect(aborts).toBe(1)
    expect(bench.events.at(-1)).toBe('close 0_0')
  })

  test('does not give up what ended in time', async () => {
    let closings = 0
    open({ task: () => ({ commitNeeded: true }), producer: { close: async () => void closings++ } })
    await bench.assign(0)
    await bench.until(1_000, () => bench.loop.tasks.size === 1)
    bench.loop.stop(1_000)
    await bench.within(500, bench.ended)
    await bench.pass(2_000)
    expect(closings).toBe(0)
    expect(bench.events.slice(-2)).toEqual(['commit', 'close 0_0'])
  })

  test('does not wait for another generation for long', async () => {
    const refuse = async () => {
      throw new StreamsError('TASK_MIGRATED', 'The generation is over.')
    }
    open({ task: () => ({ commitNeeded: true }), producer: { commit: refuse } })
    await bench.assign(0)
    await bench.until(1_000, () => bench.events.includes('commit'))
    bench.loop.stop(20_000)
    await bench.within(6_000, bench.ended)
  })

  test('does not wait for a group that does not answer', async () => {
    open({ leave: () => new Promise(() => {}) })
    await bench.assign(0)
    await bench.until(1_000, () => bench.loop.tasks.size === 1)
    bench.loop.stop(20_000)
    await bench.within(6_000, bench.ended)
    expect(bench.events.at(-1)).toBe('close 0_0')
  })

  test('waits for no serde, nor until an error has passed', async () => {
    const process = () => {
      throw serdeNotReady('The schema is being registered.', new Promise(() => {}))
    }
    open({ task: () => ({ process }) })
    await bench.assign(0)
    await bench.until(1_000, () => bench.events.includes('close 0_0'))
    bench.loop.stop(20_000)
    await bench.within(0, bench.ended)
    expect(bench.events).toEqual(['open 0_0', 'close 0_0'])
  })
})
