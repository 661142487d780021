/** What is done to a request, or to its answer, in place of serving it as it comes. */
export type Fault =
  /** Served, or answered, later; its connection waits. A pair is a range to draw from. */
  | { readonly kind: 'delay'; readonly of: Side; readonly delayMs: number | readonly [min: number, max: number] }
  /** Never answered, after it was served (`response`) or without that (`request`). Its connection stays open and silent. */
  | { readonly kind: 'drop'; readonly of: Side }
  /** Its connection is closed, after it was served (`response`) or before (`request`). */
  | { readonly kind: 'disconnect'; readonly of: Side }
  /** Served twice, as if it had been sent again because the answer was lost; the second answer is given. */
  | { readonly kind: 'duplicate' }
  /** Served after the next request of another connection, or after `maxWaitMs` (default 1,000) if none comes. */
  | { readonly kind: 'reorder'; readonly maxWaitMs?: number }
  /** Not served but answered with this error of Kafka's, for all that it asks about. */
  | { readonly kind: 'fail'; readonly error: string }

/** Before a request is served, or after. */
export type Side = 'request' | 'response'

/** A request that a rule may be for. */
export interface FaultedRequest {
  /** As the protocol calls it: `Produce`. */
  readonly api: string
  readonly version: number
  readonly clientId: string | null
  /** Unlike that of any other connection. */
  readonly connectionId: number
  /** Decoded; the fields are named as in Kafka's protocol. */
  readonly body: Readonly<Record<string, unknown>>
}

/** Which requests meet a fault. */
export interface FaultRule {
  readonly fault: Fault
  /** Names of request kinds, as the protocol has them. Default: all. */
  readonly apis?: readonly string[]
  /** A further condition. */
  readonly when?: (request: FaultedRequest) => boolean
  /** Requests that match and are spared, before the first that is not. Default 0. */
  readonly skip?: number
  /** How many are met at most. Default: all. */
  readonly times?: number
  /** How often one that could be met is, in [0, 1]; drawn from the broker's chance. Default 1. */
  readonly probability?: number
}

/** A rule in force. It ends with `remove`, or with the block of a `using`. */
export interface InjectedFault extends Disposable {
  /** Requests that have met it. */
  readonly hits: number
  remove(): void
}
