import type { RawWrite } from '../ports/index.ts'

/** A table that hands out what is to be written, one row after the other. */
export interface WriteSource {
  /** Valid until the next call; undefined after the last. */
  nextWrite(): RawWrite | undefined
}

/** What several tables have to write, to be taken once, and each before the next. */
export class SealedWrites implements IterableIterator<RawWrite, undefined> {
  private readonly sources: readonly WriteSource[]
  private at = 0
  private readonly result: { done: false; value: RawWrite } = { done: false, value: undefined as never }

  constructor(sources: readonly WriteSource[]) {
    this.sources = sources
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<RawWrite, undefined> {
    for (; this.at < this.sources.length; this.at++) {
      const write = (this.sources[this.at] as WriteSource).nextWrite()
      if (write === undefined) continue
      this.result.value = write
      return this.result
    }
    return AT_END
  }
}

const AT_END: IteratorResult<RawWrite, undefined> = { done: true, value: undefined }

/** Copies that stay valid. */
export function copyWrites(writes: Iterable<RawWrite>): RawWrite[] {
  const copies: RawWrite[] = []
  for (const { key, value } of writes) {
    copies.push({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) })
  }
  return copies
}
