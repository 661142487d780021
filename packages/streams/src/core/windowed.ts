/**
 * A key within a window. Time windows are half-open, [startMs, endMs); session and sliding windows are closed.
 *
 * @see Kafka Streams `Windowed`
 */
export interface Windowed<K> {
  readonly key: K
  readonly startMs: number
  readonly endMs: number
}
