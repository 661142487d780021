import { type Api, KAFKA_ERRORS } from '@millrace/protocol'
import { StreamsError } from '@millrace/streams/core'
import type { Clock, Random } from '@millrace/streams/ports'
import { ConnectionError } from '../connection-error.ts'
import { type Answer, type ConnectionFacts, NO_ANSWER } from '../handlers/handler.ts'
import { untilGone } from '../handlers/until-gone.ts'
import { canFail, errorAnswer } from './error-answers.ts'
import type { Fault, FaultedRequest, FaultRule, InjectedFault } from './fault.ts'

const DEFAULT_REORDER_WAIT_MS = 1000

/** A request under way, as the dispatcher has it. */
export interface Exchange {
  readonly api: Api
  readonly version: number
  readonly clientId: string | null
  readonly connection: ConnectionFacts
  readonly request: Readonly<Record<string, unknown>>
  /** Serves it; each call anew, from the bytes that came. */
  serve(): Promise<Answer<Api>>
}

interface Rule extends FaultRule {
  seen: number
  hits: number
}

/**
 * Faults that a test wishes to see: each request meets those whose rules it fits, in the order in which they were
 * injected, the first around all others. What is by chance comes from the broker's random source.
 */
export class Faults {
  readonly #clock: Clock
  readonly #random: Random
  readonly #apiNames: ReadonlySet<string>
  readonly #rules = new Set<Rule>()
  /** Requests that wait for another to go before them, by connection. */
  readonly #held = new Set<{ readonly connectionId: number; readonly release: () => void }>()

  constructor(clock: Clock, random: Random, apis: readonly Api[]) {
    this.#clock = clock
    this.#random = random
    this.#apiNames = new Set(apis.map(api => api.name))
  }

  /**
   * Puts a rule in force.
   *
   * @throws StreamsError `BROKER_FAULT_INVALID` for a kind of request that is not served or cannot be failed, for an error
   *   that Kafka does not know, and for numbers out of range.
   */
  inject(rule: FaultRule): InjectedFault {
    this.#check(rule)
    const added: Rule = { ...rule, seen: 0, hits: 0 }
    this.#rules.add(added)
    const remove = (): void => void this.#rules.delete(added)
    return {
      get hits() {
        return added.hits
      },
      remove,
      [Symbol.dispose]: remove
    }
  }

  /** Ends all rules. What a rule has already delayed stays delayed. */
  clear(): void {
    this.#rules.clear()
  }

  /** Whether there is anything to do; while not, requests are served without asking. */
  get active(): boolean {
    return this.#rules.size > 0 || this.#held.size > 0
  }

  /** Serves a request through the faults that it meets. @throws ConnectionError to close its connection. */
  async serve(exchange: Exchange): Promise<Answer<Api>> {
    let serve = (): Promise<Answer<Api>> => exchange.serve()
    for (const fault of this.#faultsOf(exchange).reverse()) {
      const inner = serve
      serve = () => this.#apply(fault, exchange, inner)
    }
    const answer = await serve()
    for (const { connectionId, release } of this.#held) if (connectionId !== exchange.connection.id) release()
    return answer
  }

  #faultsOf({ api, version, clientId, connection, request }: Exchange): Fault[] {
    const seen: FaultedRequest = { api: api.name, version, clientId, connectionId: connection.id, body: request }
    const met: Fault[] = []
    for (const rule of this.#rules) {
      if (rule.apis !== undefined && !rule.apis.includes(api.name)) continue
      // A rule for all kinds passes over those that have no place for an error.
      if (rule.fault.kind === 'fail' && !canFail(api.name)) continue
      if (rule.hits >= (rule.times ?? Number.POSITIVE_INFINITY)) continue
      if (rule.when !== undefined && !rule.when(seen)) continue
      if (rule.seen++ < (rule.skip ?? 0)) continue
      if (rule.probability !== undefined && this.#random() >= rule.probability) continue
      rule.hits++
      met.push(rule.fault)
    }
    return met
  }

  async #apply(fault: Fault, exchange: Exchange, serve: () => Promise<Answer<Api>>): Promise<Answer<Api>> {
    const { api, version, connection, request } = exchange
    switch (fault.kind) {
      case 'delay': {
        if (fault.of === 'request') {
          await this.#wait(fault.delayMs)
          return serve()
        }
        const answer = await serve()
        await this.#wait(fault.delayMs)
        return answer
      }
      case 'drop':
        if (fault.of === 'response') await serve()
        return untilGone(new Promise<never>(() => {}), connection)
      case 'disconnect':
        if (fault.of === 'response') await serve()
        throw new ConnectionError(`A fault was injected: ${api.name} ends its connection`)
      case 'duplicate':
        await serve()
        return serve()
      case 'reorder':
        await this.#hold(connection.id, fault.maxWaitMs ?? DEFAULT_REORDER_WAIT_MS)
        return serve()
      case 'fail':
        return errorAnswer(api, request, codeOf(fault.error), version) ?? NO_ANSWER
    }
  }

  #wait(delayMs: number | readonly [number, number]): Promise<void> {
    const [min, max] = typeof delayMs === 'number' ? [delayMs, delayMs] : delayMs
    const drawnMs = min === max ? min : min + this.#random() * (max - min)
    return new Promise(resolve => this.#clock.setTimer(drawnMs, resolve))
  }

  #hold(connectionId: number, maxWaitMs: number): Promise<void> {
    return new Promise(resolve => {
      const held = {
        connectionId,
        release: () => {
          cancel()
          this.#held.delete(held)
          resolve()
        }
      }
      const cancel = this.#clock.setTimer(maxWaitMs, held.release)
      this.#held.add(held)
    })
  }

  #check({ apis = [], fault, probability = 1, times = 1, skip = 0 }: FaultRule): void {
    for (const name of apis) {
      if (!this.#apiNames.has(name)) {
        throw invalid(`Requests called '${name}' are not served. Name them as Kafka's protocol does: 'Produce'.`, {
          name
        })
      }
      if (fault.kind === 'fail' && !canFail(name)) {
        throw invalid(`${name} cannot be failed, for its answer has no place for an error. Drop or disconnect it.`, {
          name
        })
      }
    }
    if (fault.kind === 'fail') codeOf(fault.error)
    if (!(probability >= 0 && probability <= 1)) {
      throw invalid(`A probability of ${probability} is not between 0 and 1.`, { probability })
    }
    if (!(times >= 0 && skip >= 0))
      throw invalid(`Neither times (${times}) nor skip (${skip}) can be negative.`, { times, skip })
  }
}

function codeOf(error: string): number {
  for (const { name, code } of KAFKA_ERRORS.values()) if (name === error && code !== 0) return code
  throw invalid(`Kafka knows no error '${error}'. Name it as Kafka does: 'NOT_COORDINATOR'.`, { error })
}

function invalid(message: string, details: Readonly<Record<string, unknown>>): StreamsError {
  return new StreamsError('BROKER_FAULT_INVALID', message, { details })
}
