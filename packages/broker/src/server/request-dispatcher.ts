import {
  type Api,
  ApiVersions,
  type DecodedRequestOf,
  decodeRequest,
  decodeRequestHeader,
  encodeResponseFrame,
  isProtocolError
} from '@millrace/protocol'
import type { BrokerServices } from '../broker-services.ts'
import type { Faults } from '../faults/faults.ts'
import { ErrorCode } from '../error-code.ts'
import { type Answer, type ConnectionFacts, type Handler, NO_ANSWER, type RequestContext } from '../handlers/handler.ts'
import { errorAnswer } from '../faults/error-answers.ts'
import { StorageError } from '../storage/log-storage.ts'
import { ConnectionError } from '../connection-error.ts'

/** What Kafka's coordinators answer while they cannot write, so that clients ask again. */
const COORDINATED: ReadonlySet<string> = new Set([
  ...['JoinGroup', 'SyncGroup', 'LeaveGroup', 'OffsetCommit', 'OffsetDelete', 'DeleteGroups', 'InitProducerId'],
  ...['AddPartitionsToTxn', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn']
])

/** A response with its size in front, in pieces; records among them are those of the log. */
export type AnswerFrame = readonly Buffer[]

/** Turns request frames into answer frames, by the handlers. */
export class RequestDispatcher {
  readonly #handlers: ReadonlyMap<number, Handler>
  readonly #broker: BrokerServices
  readonly #faults: Faults

  constructor(handlers: readonly Handler[], broker: BrokerServices, faults: Faults) {
    this.#faults = faults
    this.#handlers = new Map(handlers.map(handler => [handler.api.key, handler]))
    this.#broker = broker
  }

  /**
   * @param frame - Request header and body.
   * @returns The response's frame with its size, in pieces; undefined when the request is not to be answered.
   * @throws ConnectionError when the connection has to be closed: for a request that cannot be read, or that is not
   *   served in this version. Kafka does the same.
   */
  answer(frame: Buffer, connection: ConnectionFacts): AnswerFrame | undefined | Promise<AnswerFrame | undefined> {
    const header = this.#readHeader(frame)
    const handler = this.#handlers.get(header.apiKey)
    if (handler === undefined) throw new ConnectionError(`Request kind ${header.apiKey} is not served`)
    const { api } = handler
    const [minVersion, maxVersion] = handler.versions
    const version = header.apiVersion
    if (version < minVersion || version > maxVersion) {
      if (api.key !== ApiVersions.key) {
        throw new ConnectionError(
          `${api.name} is served from version ${minVersion} to ${maxVersion}, not in ${version}`
        )
      }
      return this.#unsupportedVersion(header.correlationId)
    }
    let request: DecodedRequestOf<Api>
    try {
      request = decodeRequest(api, version, frame.subarray(header.bodyStart))
    } catch (error) {
      if (!isProtocolError(error)) throw error
      throw new ConnectionError(`${api.name} v${version} cannot be read: ${error.message}`)
    }
    const context = { version, clientId: header.clientId, connection, broker: this.#broker }
    const answered = this.#handle(handler, request, context, frame, header.bodyStart)
    const encode = (answer: Answer<Api>): AnswerFrame | undefined => {
      return answer === NO_ANSWER ? undefined : encodeResponseFrame(api, version, header.correlationId, answer)
    }
    return answered instanceof Promise ? answered.then(encode) : encode(answered)
  }

  /** A disk that fails is told in the answer, where the kind has a place for it. */
  #handle(
    handler: Handler,
    request: DecodedRequestOf<Api>,
    context: RequestContext,
    frame: Buffer,
    bodyStart: number
  ): Answer<Api> | Promise<Answer<Api>> {
    const { api } = handler
    const failed = (error: unknown): Answer<Api> => this.#storageAnswer(api, request, context.version, error)
    try {
      const answered = this.#faults.active
        ? this.#faults.serve({ ...context, api, request, serve: servedAnew(handler, frame, bodyStart, context) })
        : handler.handle(request, context)
      return answered instanceof Promise ? answered.catch(failed) : answered
    } catch (error) {
      return failed(error)
    }
  }

  /** @throws the error when it is another, or there is no place for it. */
  #storageAnswer(api: Api, request: DecodedRequestOf<Api>, version: number, error: unknown): Answer<Api> {
    if (!(error instanceof StorageError)) throw error
    const errorCode = COORDINATED.has(api.name) ? ErrorCode.COORDINATOR_NOT_AVAILABLE : ErrorCode.KAFKA_STORAGE_ERROR
    const answer = errorAnswer(api, request, errorCode, version)
    if (answer === undefined) throw error
    this.#broker.logger.error('A request fails because of the storage.', { api: api.name, error })
    return answer
  }

  #readHeader(frame: Buffer): ReturnType<typeof decodeRequestHeader> {
    try {
      return decodeRequestHeader(frame, (key, version) => {
        const api = this.#handlers.get(key)?.api
        return api !== undefined && version >= api.flexibleFrom
      })
    } catch (error) {
      if (!isProtocolError(error)) throw error
      throw new ConnectionError(`A request header cannot be read: ${error.message}`)
    }
  }

  /** A client that is newer than the broker learns from version 0 what it can speak. */
  #unsupportedVersion(correlationId: number): AnswerFrame {
    const apiKeys = this.#broker.servedApis.filter(({ apiKey }) => apiKey === ApiVersions.key)
    const answer = { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys }
    return encodeResponseFrame(ApiVersions, 0, correlationId, answer)
  }
}

/**
 * Serves a request as often as it is called. Handlers may write into the bytes of a request, so each call has its own.
 */
function servedAnew(
  handler: Handler,
  frame: Buffer,
  bodyStart: number,
  context: RequestContext
): () => Promise<Answer<Api>> {
  const body = Buffer.from(frame.subarray(bodyStart))
  return async () => handler.handle(decodeRequest(handler.api, context.version, Buffer.from(body)), context)
}
