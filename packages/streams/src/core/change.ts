/**
 * What travels between table nodes: a row's value before and after an update.
 *
 * `before` is `null` when there was no row, or when no downstream operator asked for old values.
 * `isLatest` is false for an out-of-order update of a versioned table, which aggregations and joins ignore.
 */
export interface Change<V> {
  readonly before: V | null
  readonly after: V | null
  readonly isLatest: boolean
}
