import { expect, test } from 'vitest'
import { ProcessHold } from './process-hold.ts'

class CountedLoop {
  held = 0

  holdOpen(): () => void {
    this.held++
    return () => void this.held--
  }
}

class Worker {
  readonly #results: Promise<string>

  constructor(results: Promise<string>) {
    this.#results = results
  }

  get busy(): boolean {
    return true
  }

  async work(suffix: string): Promise<string> {
    return (await this.#results) + suffix
  }
}

test('holds the process once, as long as any promise is pending, and passes on what comes of it', async () => {
  const loop = new CountedLoop()
  const hold = new ProcessHold(loop)
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  const held = [hold.until(first.promise), hold.until(second.promise)]
  expect(loop.held).toBe(1)
  first.resolve('done')
  expect(await held[0]).toBe('done')
  expect(loop.held).toBe(1)
  second.reject(new Error('failed'))
  await expect(held[1]).rejects.toThrow('failed')
  expect(loop.held).toBe(0)
  await hold.until(Promise.resolve())
  expect(loop.held).toBe(0)
})

test('holds for methods of an object, whose others stay as they are', async () => {
  const loop = new CountedLoop()
  const results = Promise.withResolvers<string>()
  const worker = new ProcessHold(loop).over(new Worker(results.promise), ['work'])
  expect(worker.busy).toBe(true)
  expect(loop.held).toBe(0)
  const working = worker.work('!')
  expect(loop.held).toBe(1)
  results.resolve('done')
  expect(await working).toBe('done!')
  expect(loop.held).toBe(0)
})

test('leaves everything as it is without an event loop', async () => {
  const hold = new ProcessHold(undefined)
  const promise = Promise.resolve('done')
  expect(hold.until(promise)).toBe(promise)
  const worker = new Worker(promise)
  expect(Object.hasOwn(hold.over(worker, ['work']), 'work')).toBe(false)
})
