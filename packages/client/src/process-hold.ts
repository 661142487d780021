import type { EventLoop } from '@millrace/streams/ports'

type PromiseMethod<T> = {
  [N in keyof T]: T[N] extends (...args: never[]) => Promise<unknown> ? N : never
}[keyof T]

/**
 * Keeps the process from ending while a promise that the client gave away is pending. Timers do not, and nothing may be connected:
 * without this Node would end in the middle of a flush, with exit code 0 and records that nobody missed.
 */
export class ProcessHold {
  readonly #eventLoop: Pick<EventLoop, 'holdOpen'> | undefined
  #pending = 0
  #letGo: (() => void) | undefined

  /** @param eventLoop - undefined: nothing is held. */
  constructor(eventLoop: Pick<EventLoop, 'holdOpen'> | undefined) {
    this.#eventLoop = eventLoop
  }

  /** As `promise`. */
  until<T>(promise: Promise<T>): Promise<T> {
    if (this.#eventLoop === undefined) return promise
    if (this.#pending++ === 0) this.#letGo = this.#eventLoop.holdOpen()
    // The promise that is returned is the one to be awaited: one that nobody catches is still told as such.
    return promise.finally(() => {
      if (--this.#pending === 0) this.#letGo?.()
    })
  }

  /**
   * Holds for what these methods of `target` give. They become properties of it, so that its others, which are called for every
   * record, are reached as directly as before.
   */
  over<T extends object>(target: T, methods: readonly PromiseMethod<T>[]): T {
    if (this.#eventLoop === undefined) return target
    for (const name of methods) {
      const method = target[name] as (...args: unknown[]) => Promise<unknown>
      const held = (...args: unknown[]): Promise<unknown> => this.until(method.apply(target, args))
      Object.defineProperty(target, name, { value: held })
    }
    return target
  }
}
