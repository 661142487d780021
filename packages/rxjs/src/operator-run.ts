import { Observable, type OperatorFunction } from 'rxjs'

type Phase = 'before' | 'giving' | 'completing' | 'over'

/** Runs operators on one value at a time, each time with a new subscription. */
export class OperatorRun<V, VR> {
  private readonly piped: Observable<VR>
  private values: readonly V[] = []
  private phase: Phase = 'before'
  /** Of the value that is being given. */
  private outputs: VR[] = []
  private hasFailed = false
  private failure: unknown
  private hasCompleted = false
  private strayedIn: Phase | undefined
  private readonly observer = {
    next: (output: VR): void => {
      if (this.phase === 'giving') this.outputs.push(output)
      else this.strayedIn ??= this.phase
    },
    error: (error: unknown): void => {
      this.hasFailed = true
      this.failure = error
    },
    complete: (): void => {
      this.hasCompleted = true
    }
  }

  constructor(operator: OperatorFunction<V, VR>) {
    this.piped = operator(
      new Observable<V>(subscriber => {
        this.phase = 'giving'
        for (const value of this.values) {
          this.outputs = []
          subscriber.next(value)
        }
        this.phase = 'completing'
        subscriber.complete()
      })
    )
  }

  /**
   * Gives values to the operators, one after the other.
   *
   * @returns what was emitted while the last one was being given; or a text that says what was emitted at another time.
   * @throws what the operators failed with.
   */
  valuesOf(...values: readonly V[]): readonly VR[] | string {
    this.values = values
    this.phase = 'before'
    this.outputs = []
    this.hasFailed = false
    this.failure = undefined
    this.hasCompleted = false
    this.strayedIn = undefined
    const subscription = this.piped.subscribe(this.observer)
    const { phase, strayedIn, outputs } = this
    this.phase = 'over'
    subscription.unsubscribe()
    this.values = []
    if (this.hasFailed) throw this.failure
    if (strayedIn === 'before') return 'emitted something before the value of the record'
    if (strayedIn === 'completing') return 'emitted something when their source had completed, which a stream does not'
    if (!this.hasCompleted || phase === 'before') {
      return 'still wait for something after the record (a timer, a promise, another Observable)'
    }
    return outputs
  }
}
