import type { Api, DecodedRequestOf, ResponseInputOf } from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'

/** Who asks. */
export interface ConnectionFacts {
  /** Unlike any other of this broker's life. */
  readonly id: number
  /** As Kafka prints it in descriptions of groups: `/127.0.0.1`. */
  readonly clientHost: string
  /** Without authentication always `User:ANONYMOUS`. */
  readonly principal: string
  /** Set once the connection is gone: an answer that still waits will reach nobody. */
  readonly closed: AbortSignal
}

/** What a handler knows besides the request's body. */
export interface RequestContext {
  readonly version: number
  readonly clientId: string | null
  readonly connection: ConnectionFacts
  readonly broker: BrokerServices
}

/** A request that is never answered: Produce with acks 0. */
export const NO_ANSWER = Symbol('no answer')

export type Answer<A extends Api> = ResponseInputOf<A> | typeof NO_ANSWER

/**
 * Serves one kind of request. One connection's requests are served one after the other, as in Kafka: the next begins
 * when the answer of the last was handed to the socket. A promise delays the answer and holds up that connection only.
 */
export interface Handler<A extends Api = Api> {
  readonly api: A
  /** Lowest and highest version served, both inclusive; what ApiVersions tells. */
  readonly versions: readonly [min: number, max: number]
  handle(request: DecodedRequestOf<A>, context: RequestContext): Answer<A> | Promise<Answer<A>>
}
