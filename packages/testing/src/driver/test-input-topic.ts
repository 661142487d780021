import type { Headers, KeyValueSerdes } from '@millrace/streams/core'
import { NO_HEADERS } from '@millrace/streams/core'
import { inputSteps } from '../notation/records.ts'

/** Writes records into an input topic; each is processed to its last consequence before `pipe` returns. */
export class TestInputTopic<K, V> {
  readonly topic: string
  readonly #serdes: KeyValueSerdes<K, V>
  readonly #pipe: (key: Uint8Array | null, value: Uint8Array | null, timestampMs: number, headers: Headers) => void
  readonly #idle: (ms: number) => void
  #lastTimestampMs = 0

  constructor(
    topic: string,
    serdes: KeyValueSerdes<K, V>,
    pipe: (key: Uint8Array | null, value: Uint8Array | null, timestampMs: number, headers: Headers) => void,
    idle: (ms: number) => void
  ) {
    this.topic = topic
    this.#serdes = serdes
    this.#pipe = pipe
    this.#idle = idle
  }

  /**
   * Sends records that are written down: `'a:1@0 b:2@5s --idle 30s c:null@+1m'`. Each is key, value and event time; a time that
   * begins with `+` counts from the record before, and one that is missing is that record's. `--idle` moves the wall clock on.
   * The whole notation is in docs/testing.md.
   *
   * @throws StreamsError `TEST_NOTATION_INVALID` before anything is sent; and what the topology threw.
   */
  pipe(records: string): void
  /** @throws what the topology threw: the same error that would stop an application. */
  pipe(key: K | null, value: V | null, timestampMs: number, headers?: Headers): void
  pipe(first: K | string | null, value?: V | null, timestampMs?: number, headers: Headers = NO_HEADERS): void {
    if (timestampMs !== undefined) {
      this.#send(first as K | null, value as V | null, timestampMs, headers)
      return
    }
    for (const step of inputSteps(first as string, this.#serdes, this.#lastTimestampMs)) {
      if (step.kind === 'idle') this.#idle(step.ms)
      else this.#send(step.record.key, step.record.value, step.record.timestampMs, step.record.headers)
    }
  }

  #send(key: K | null, value: V | null, timestampMs: number, headers: Headers): void {
    const { topic } = this
    this.#lastTimestampMs = timestampMs
    this.#pipe(
      key === null ? null : this.#serdes.key.serialize(key, { topic, isKey: true }),
      value === null ? null : this.#serdes.value.serialize(value, { topic, isKey: false }),
      timestampMs,
      headers
    )
  }

  /** Bytes as they are, to try what a corrupt record does. */
  pipeBytes(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Headers = NO_HEADERS
  ): void {
    this.#pipe(key, value, timestampMs, headers)
  }
}
