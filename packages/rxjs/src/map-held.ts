import { checkOptions, StreamsError } from '@millrace/streams/core'
import {
  from,
  Observable,
  type ObservableInput,
  type ObservedValueOf,
  type OperatorFunction,
  type Subscription
} from 'rxjs'
import { hold } from './emission.ts'

export interface MapHeldOptions {
  /** How many results are awaited at the same time. 1, the default, keeps the order. */
  readonly concurrency?: number
}

interface Waiting<T> {
  readonly value: T
  readonly index: number
  readonly release: () => void
}

/**
 * `mergeMap` for sources of this package: each value is held until its result has completed, so that what waits here is
 * bounded by the source and not by memory. With a concurrency of 1 it is `concatMap`.
 *
 * Below operators that delay values there is nothing to hold; use it before them.
 *
 * @param project - Gives a promise, an Observable or anything else that RxJS can observe.
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`
 */
export function mapHeld<T, O extends ObservableInput<unknown>>(
  project: (value: T, index: number) => O,
  options: MapHeldOptions = {}
): OperatorFunction<T, ObservedValueOf<O>> {
  checkOptions('mapHeld()', options, ['concurrency'])
  const { concurrency = 1 } = options
  if (!(concurrency >= 1)) {
    throw new StreamsError('CONFIG_INVALID', `mapHeld() has a concurrency of ${concurrency}; it must be at least 1.`, {
      details: { concurrency }
    })
  }
  return source =>
    new Observable<ObservedValueOf<O>>(subscriber => {
      const waiting = new Set<Waiting<T>>()
      const active = new Map<Waiting<T>, Subscription | undefined>()
      let count = 0
      let completed = false
      let advancing = false

      const begin = (next: Waiting<T>): void => {
        active.set(next, undefined)
        const end = (): void => {
          active.delete(next)
          next.release()
        }
        let result: Observable<unknown>
        try {
          result = from(project(next.value, next.index))
        } catch (error) {
          end()
          subscriber.error(error)
          return
        }
        const subscription = result.subscribe({
          next: value => subscriber.next(value as ObservedValueOf<O>),
          error: error => {
            end()
            subscriber.error(error)
          },
          complete: () => {
            end()
            advance()
          }
        })
        if (active.has(next)) active.set(next, subscription)
      }
      const advance = (): void => {
        // A result that completes at once comes back here: one after the other, not one within the other.
        if (advancing) return
        advancing = true
        for (const next of waiting) {
          if (active.size >= concurrency || subscriber.closed) break
          waiting.delete(next)
          begin(next)
        }
        advancing = false
        if (completed && active.size === 0 && waiting.size === 0) subscriber.complete()
      }
      subscriber.add(() => {
        for (const [{ release }, subscription] of active) {
          subscription?.unsubscribe()
          release()
        }
        for (const { release } of waiting) release()
      })
      subscriber.add(
        source.subscribe({
          next: value => {
            waiting.add({ value, index: count++, release: hold() })
            advance()
          },
          error: error => subscriber.error(error),
          complete: () => {
            completed = true
            advance()
          }
        })
      )
    })
}
