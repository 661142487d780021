import type { Headers, KeyValueSerdes } from '@millrace/streams/core'
import { NO_HEADERS } from '@millrace/streams/core'

/** Writes records into an input topic; each is processed to its last consequence before `pipe` returns. */
export class TestInputTopic<K, V> {
  readonly topic: string
  readonly #serdes: KeyValueSerdes<K, V>
  readonly #pipe: (key: Uint8Array | null, value: Uint8Array | null, timestampMs: number, headers: Headers) => void

  constructor(
    topic: string,
    serdes: KeyValueSerdes<K, V>,
    pipe: (key: Uint8Array | null, value: Uint8Array | null, timestampMs: number, headers: Headers) => void
  ) {
    this.topic = topic
    this.#serdes = serdes
    this.#pipe = pipe
  }

  /** @throws what the topology threw: the same error that would stop an application. */
  pipe(key: K | null, value: V | null, timestampMs: number, headers: Headers = NO_HEADERS): void {
    const { topic } = this
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
