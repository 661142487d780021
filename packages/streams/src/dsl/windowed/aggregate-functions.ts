/** What makes an aggregate of the records of a window. Null where there is none: a reduction begins with null. */
export interface AggregateFunctions<K, V, A> {
  readonly initializer: () => A | null
  readonly aggregator: (key: K, value: V, aggregate: any) => A | null
  /** Joins the aggregates of two sessions. */
  readonly merger: (key: K, a: any, b: any) => A | null
}

/** The time of an operator or of an emission before there was any. */
export const NO_TIME = -1
