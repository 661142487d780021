import type { Logger, RecordProducer, TopicPartition } from '../ports/index.ts'
import type { TaskOpener, TaskStart } from './task-opener.ts'

/** A task on its way: from the assignment until it can process. */
export class TaskOpening {
  readonly taskId: string
  /** As the plan had them when it began; a newer plan is looked at when the task is taken over. */
  readonly inputs: readonly TopicPartition[]
  cancelled = false
  ready: TaskStart | undefined
  /** Settles when nothing of it is open any more here, or the loop has taken it over. */
  readonly ended: Promise<void>
  #end: () => void = () => {}

  constructor(taskId: string, inputs: readonly TopicPartition[]) {
    this.taskId = taskId
    this.inputs = inputs
    this.ended = new Promise(resolve => {
      this.#end = resolve
    })
  }

  end(): void {
    this.#end()
  }
}

/**
 * The tasks that are being opened, beside the loop. It looks in for those that are ready and for errors; nothing here waits for
 * the loop, so the loop may wait for a cancelled opening to end.
 */
export class TaskOpenings {
  readonly #openings = new Map<string, TaskOpening>()
  readonly #opener: TaskOpener
  readonly #producer: RecordProducer
  readonly #logger: Logger
  readonly #onNews: () => void
  #error: Error | undefined

  constructor(options: { opener: TaskOpener; producer: RecordProducer; logger: Logger; onNews: () => void }) {
    this.#opener = options.opener
    this.#producer = options.producer
    this.#logger = options.logger
    this.#onNews = options.onNews
  }

  get size(): number {
    return this.#openings.size
  }

  get taskIds(): readonly string[] {
    return [...this.#openings.keys()]
  }

  has(taskId: string): boolean {
    return this.#openings.has(taskId)
  }

  open(taskIds: readonly string[]): void {
    if (taskIds.length === 0) return
    const batch = taskIds.map(taskId => new TaskOpening(taskId, this.#opener.inputsOf(taskId)))
    for (const opening of batch) this.#openings.set(opening.taskId, opening)
    void this.#run(batch)
  }

  /** Hands over what is ready. @throws what opening a task failed with; the others go on. */
  take(): TaskOpening[] {
    const error = this.#error
    this.#error = undefined
    if (error !== undefined) throw error
    const ready = [...this.#openings.values()].filter(opening => opening.ready !== undefined)
    for (const opening of ready) {
      this.#openings.delete(opening.taskId)
      opening.end()
    }
    return ready
  }

  /** Resolves when nothing of the cancelled ones is open: from then on anyone, here or elsewhere, may open their state. */
  async cancel(which: (opening: TaskOpening) => boolean): Promise<void> {
    const cancelled = [...this.#openings.values()].filter(which)
    for (const opening of cancelled) {
      opening.cancelled = true
      this.#openings.delete(opening.taskId)
    }
    for (const opening of cancelled) {
      if (opening.ready !== undefined) {
        await opening.ready.task
          .close()
          .catch((error: unknown) => this.#logger.warn(`closing failed: ${String(error)}`))
        opening.end()
      }
      await opening.ended
    }
    if (this.#openings.size === 0) this.#error = undefined
  }

  async #run(batch: readonly TaskOpening[]): Promise<void> {
    try {
      await this.#opener.open(batch, this.#producer, (opening, start) => {
        opening.ready = start
        this.#onNews()
      })
    } catch (error) {
      if (batch.some(opening => !opening.cancelled)) this.#error ??= error as Error
    }
    // What failed stays among the openings until the loop, told of the error, cancels it.
    for (const opening of batch) if (opening.ready === undefined) opening.end()
    this.#onNews()
  }
}
