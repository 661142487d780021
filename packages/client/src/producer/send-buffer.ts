import type { ProducerBatch } from './producer-batch.ts'

interface FlushWaiter {
  /** Of the first batch that it does not wait for. */
  readonly endOrdinal: number
  remaining: number
  resolve(): void
  reject(error: Error): void
}

/** What was appended and is not acknowledged: its bytes, its batches, and who waits for them. */
export class SendBuffer {
  /** Written for every record by the appenders. */
  bytes = 0
  private readonly limitBytes: number
  private incompleteBatches = 0
  private endOrdinal = 0
  private readonly flushWaiters = new Set<FlushWaiter>()
  private readonly writableWaiters = new Set<{ resolve(): void; reject(error: Error): void }>()

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get full(): boolean {
    return this.bytes >= this.limitBytes
  }

  /** The ordinal of the batch that is closed next. */
  get nextOrdinal(): number {
    return this.endOrdinal
  }

  /** A batch was closed. */
  closed(): void {
    this.endOrdinal++
    this.incompleteBatches++
  }

  /** Acknowledged, or dropped. */
  complete(batch: ProducerBatch): void {
    this.replace(batch, [])
  }

  /** A refused batch makes place for what it was split into. */
  replace(batch: ProducerBatch, parts: readonly ProducerBatch[]): void {
    const more = parts.length - 1
    this.incompleteBatches += more
    for (const waiter of this.flushWaiters) {
      if (batch.ordinal >= waiter.endOrdinal) continue
      waiter.remaining += more
      if (waiter.remaining > 0) continue
      this.flushWaiters.delete(waiter)
      waiter.resolve()
    }
    this.bytes -= batch.sizeBytes
    for (const part of parts) this.bytes += part.sizeBytes
    this.releaseWriters()
  }

  /** All was dropped, the open batches too. */
  empty(): void {
    this.bytes = 0
    this.releaseWriters()
  }

  /** Resolves when every batch closed until now is complete. */
  whenFlushed(): Promise<void> {
    if (this.incompleteBatches === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.flushWaiters.add({ endOrdinal: this.endOrdinal, remaining: this.incompleteBatches, resolve, reject })
    })
  }

  whenWritable(): Promise<void> {
    if (!this.full) return Promise.resolve()
    return new Promise((resolve, reject) => this.writableWaiters.add({ resolve, reject }))
  }

  rejectFlushes(error: Error): void {
    for (const waiter of this.flushWaiters) waiter.reject(error)
    this.flushWaiters.clear()
  }

  /** After a failure, everything that waits. */
  rejectWaiters(error: Error): void {
    this.rejectFlushes(error)
    for (const waiter of this.writableWaiters) waiter.reject(error)
    this.writableWaiters.clear()
  }

  private releaseWriters(): void {
    if (this.writableWaiters.size === 0 || this.full) return
    for (const waiter of this.writableWaiters) waiter.resolve()
    this.writableWaiters.clear()
  }
}
