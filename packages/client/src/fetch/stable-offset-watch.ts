import type { Logger } from '@millrace/streams/ports'
import type { FetchedPartition } from './fetched-partition.ts'

/** Kafka's default of `transaction.timeout.ms`: a sound transaction has ended by then, or is ended by its coordinator. */
const STUCK_MS = 60_000
/** Between two warnings of the same partition. */
const REPEAT_MS = 300_000

interface Held {
  readonly offset: number
  readonly sinceMs: number
  warnedMs: number
}

/**
 * Notices partitions whose records wait behind a transaction that nobody ends: readers of committed records stand still
 * there, without an error. Looked at with every answer of a broker.
 */
export class StableOffsetWatch {
  readonly #logger: Logger
  readonly #held = new WeakMap<FetchedPartition, Held>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  saw(fetched: FetchedPartition, nowMs: number): void {
    const { topic, partition, lastStableOffset, highWatermark } = fetched
    if (lastStableOffset < 0 || lastStableOffset >= highWatermark) {
      this.#held.delete(fetched)
      return
    }
    const held = this.#held.get(fetched)
    if (held?.offset !== lastStableOffset) {
      this.#held.set(fetched, { offset: lastStableOffset, sinceMs: nowMs, warnedMs: Number.NEGATIVE_INFINITY })
      return
    }
    const heldMs = nowMs - held.sinceMs
    if (heldMs < STUCK_MS || nowMs - held.warnedMs < REPEAT_MS) return
    held.warnedMs = nowMs
    this.#logger.warn(
      `Topic '${topic}', partition ${partition} has been held at offset ${lastStableOffset} for ${Math.round(heldMs / 1000)} s by an open ` +
        `transaction; ${highWatermark - lastStableOffset} offsets behind it cannot be read. \`millrace txn find-hanging --topic ${topic} ` +
        `--partition ${partition}\` and \`millrace txn list --longer-than 60s\` tell whose it is, \`millrace txn abort\` ends it.`,
      { topic, partition, lastStableOffset, highWatermark, heldMs: Math.round(heldMs) }
    )
  }
}
