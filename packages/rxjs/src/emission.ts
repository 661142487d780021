/** What a source does while it gives a value to its subscriber. */
export interface Emission {
  /** The value counts as taken only when the returned function is called; more than one may hold it. */
  hold(): () => void
}

let current: Emission | undefined

/** Calls `give`; whoever calls `hold` in it, holds this emission. */
export function emit(emission: Emission, give: () => void): void {
  const outer = current
  current = emission
  try {
    give()
  } finally {
    current = outer
  }
}

/** Whether a value is being emitted that can be held. */
export function canHold(): boolean {
  return current !== undefined
}

const NOTHING = (): void => {}

/**
 * Keeps the value that is being emitted from counting as taken: its source goes on only within its bounds until the returned
 * function is called, and then on. For subscribers that go on working with a value after `next` has returned; `mapHeld` and
 * `fromObservable` do it by themselves.
 *
 * It is found by time, not by value: call it synchronously within `next`, below any operators that are synchronous.
 *
 * @returns A function that may be called more than once. Where no source of this package is emitting, one that does nothing.
 * @example
 * ```ts
 * fromTopic(kafka, 'orders', serdes).subscribe(order => {
 *   const release = hold()
 *   void save(order).finally(release)
 * })
 * ```
 */
export function hold(): () => void {
  return current === undefined ? NOTHING : current.hold()
}
