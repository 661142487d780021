import { Observable, of, Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { emit, hold } from './emission.ts'
import { HeldBounds } from './held-bounds.ts'
import { mapHeld } from './map-held.ts'

/** A source that counts what is held of it. */
function heldSource() {
  const bounds = new HeldBounds(3, 100)
  const subject = new Subject<number>()
  const give = (value: number) => emit(bounds.emission(10), () => subject.next(value))
  return { bounds, subject, give }
}

describe('hold', () => {
  test('counts a value until everyone who holds it has let it go', () => {
    const bounds = new HeldBounds(1, 100)
    const releases: (() => void)[] = []
    emit(bounds.emission(10), () => releases.push(hold(), hold()))
    expect(bounds.reached).toBe(true)
    releases[0]?.()
    releases[0]?.()
    expect(bounds.reached).toBe(true)
    releases[1]?.()
    expect(bounds.reached).toBe(false)
  })

  test('does nothing outside an emission, also after one', () => {
    const bounds = new HeldBounds(1, 1)
    emit(bounds.emission(10), () => {})
    hold()()
    expect(bounds.reached).toBe(false)
  })

  test('holds the innermost emission', () => {
    const [outer, inner] = [new HeldBounds(1, 100), new HeldBounds(1, 100)]
    emit(outer.emission(1), () => {
      emit(inner.emission(1), () => hold())
      expect([outer.reached, inner.reached]).toEqual([false, true])
      hold()
    })
    expect(outer.reached).toBe(true)
  })

  test('counts records and bytes', () => {
    const bounds = new HeldBounds(3, 25)
    const holdOne = (bytes: number) => emit(bounds.emission(bytes), () => hold())
    holdOne(10)
    expect(bounds.reached).toBe(false)
    holdOne(20)
    expect(bounds.reached).toBe(true)
  })
})

describe('mapHeld', () => {
  test('holds each value until its result completes, and keeps the order', () => {
    const { bounds, subject, give } = heldSource()
    const results = [new Subject<string>(), new Subject<string>(), new Subject<string>()]
    const seen: string[] = []
    subject.pipe(mapHeld(n => results[n] as Subject<string>)).subscribe(value => seen.push(value))
    for (const n of [0, 1, 2]) give(n)
    expect(bounds.reached).toBe(true)
    results[1]?.next('not yet subscribed to')
    results[0]?.next('a')
    results[0]?.complete()
    expect(bounds.reached).toBe(false)
    results[1]?.next('b')
    expect(seen).toEqual(['a', 'b'])
  })

  test('awaits as many at the same time as it is told', () => {
    const { subject, give } = heldSource()
    const begun: number[] = []
    subject
      .pipe(
        mapHeld(
          n => {
            begun.push(n)
            return new Observable<never>(() => {})
          },
          { concurrency: 2 }
        )
      )
      .subscribe()
    for (const n of [0, 1, 2]) give(n)
    expect(begun).toEqual([0, 1])
  })

  test('lets everything go when it is unsubscribed, or fails', () => {
    for (const way of ['unsubscribe', 'error'] as const) {
      const { bounds, subject, give } = heldSource()
      const result = new Subject<never>()
      const errors: unknown[] = []
      const subscription = subject.pipe(mapHeld(() => result)).subscribe({ error: error => errors.push(error) })
      for (const n of [0, 1, 2]) give(n)
      if (way === 'unsubscribe') subscription.unsubscribe()
      else result.error('wrong')
      expect(bounds.reached).toBe(false)
      expect(errors).toEqual(way === 'error' ? ['wrong'] : [])
      expect(result.observed).toBe(false)
    }
  })

  test('passes on what the function throws', () => {
    const { bounds, subject, give } = heldSource()
    const errors: unknown[] = []
    const failing = (): never => {
      throw new Error('no')
    }
    subject.pipe(mapHeld(failing)).subscribe({ error: (error: Error) => errors.push(error.message) })
    give(1)
    expect(errors).toEqual(['no'])
    expect(bounds.reached).toBe(false)
  })

  test('completes when the source has and all results have', () => {
    const subject = new Subject<number>()
    const result = new Subject<number>()
    let completed = false
    subject.pipe(mapHeld(() => result)).subscribe({
      complete: () => {
        completed = true
      }
    })
    subject.next(1)
    subject.complete()
    expect(completed).toBe(false)
    result.complete()
    expect(completed).toBe(true)
  })

  test('takes promises and iterables, and synchronous results of many values', async () => {
    const seen: unknown[] = []
    await new Promise<void>(resolve => {
      of(1, 2)
        .pipe(mapHeld(async (n, index) => [n, index]))
        .subscribe({ next: value => seen.push(value), complete: resolve })
    })
    expect(seen).toEqual([
      [1, 0],
      [2, 1]
    ])
    let sum = 0
    of(...Array.from({ length: 500 }, (_, i) => i))
      .pipe(mapHeld(n => [n]))
      .subscribe(n => {
        sum += n
      })
    expect(sum).toBe((499 * 500) / 2)
  })

  test('goes through any number of synchronous results behind one that was waited for', () => {
    const first = new Subject<number>()
    let count = 0
    const source = new Subject<number>()
    source.pipe(mapHeld(n => (n === 0 ? first : [n]))).subscribe(() => void count++)
    for (let n = 0; n <= 100_000; n++) source.next(n)
    first.complete()
    expect(count).toBe(100_000)
  })

  test.each([0, -1, Number.NaN])('refuses a concurrency of %d', concurrency => {
    expect(() => mapHeld(() => [], { concurrency })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
  })
})
