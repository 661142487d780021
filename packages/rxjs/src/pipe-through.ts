import type { KStream } from '@millrace/streams'
import {
  checkOptions,
  type Processor,
  type ProcessorContext,
  StreamsError,
  type StreamRecord
} from '@millrace/streams/core'
import type { OperatorFunction } from 'rxjs'
import { checkNumber } from './check-number.ts'
import { OperatorRun } from './operator-run.ts'
import { carriesState } from './state-check.ts'

export interface PipeThroughOptions {
  /** Name of the node. */
  readonly name?: string
  /** How many records of each task are looked at for state, from its start on. 0 looks at none. Default 32. */
  readonly checkedRecords?: number
}

/**
 * Runs stateless, synchronous RxJS operators on the values of a stream: `pipe(filter(…), map(…), mergeMap(…))`. What they emit for a
 * value goes on with the key, timestamp and headers of its record, in the order emitted; the partitioning stays. Null values are
 * passed in, too.
 *
 * Each record has a subscription of its own, to an Observable of its value that then completes. So the result depends on the
 * record alone: nothing is lost or doubled by a restart, offsets and transactions mean what they mean for `mapValues`, and a
 * record is committed only when all that came of it is.
 *
 * - What is emitted at another time than while the value is being given, ends the application: before it (`startWith`), when the
 *   source completes (`toArray`, `reduce`, `last`), or later (`delay`, promises). That is noticed at the record that it happens
 *   with: an operator that has not completed with its source still waits for something. Nothing of this record is forwarded or
 *   committed.
 * - Nothing is carried from one record to another. To say so where it was meant, the first `checkedRecords` of each task are also
 *   run behind the record before them, and what comes of it has to be the same: `scan`, `distinctUntilChanged`, `pairwise` or
 *   `take(1)` end the application. Functions given to operators are therefore called more than once for these records. State
 *   that none of them shows is not noticed, and has no effect either (`take(100)` takes all).
 * - What an operator throws is an error of the record, as of any processor (`onProcessingError`).
 *
 * @throws StreamsError `CONFIG_INVALID`, `CONFIG_UNKNOWN_OPTION`, `TOPOLOGY_INVALID`, `TOPOLOGY_DUPLICATE_NAME` while building;
 *   `RXJS_EMITTED_LATE`, `RXJS_STATE_CARRIED` while running, which end the application
 */
export function pipeThrough<K, V, VR>(
  stream: KStream<K, V>,
  operator: OperatorFunction<V, VR>,
  options: PipeThroughOptions = {}
): KStream<K, VR> {
  checkOptions('pipeThrough()', options, ['name', 'checkedRecords'])
  const { name, checkedRecords = 32 } = options
  checkNumber('pipeThrough()', 'checkedRecords', checkedRecords, 0)
  if (typeof operator !== 'function') {
    throw new StreamsError(
      'TOPOLOGY_INVALID',
      `pipeThrough() needs an operator, not a ${typeof operator}: pipeThrough(stream, pipe(filter(…), map(…))).`
    )
  }
  const supplier = () => new PipingProcessor<K, V, VR>(operator, checkedRecords)
  return stream.processValues<VR>(supplier, name === undefined ? {} : { name })
}

const NONE = Symbol('no record yet')

class PipingProcessor<K, V, VR> implements Processor<K, V, K, VR> {
  private readonly operator: OperatorFunction<V, VR>
  private readonly run: OperatorRun<V, VR>
  private toCheck: number
  private before: V | typeof NONE = NONE
  private context: ProcessorContext<K, VR> | undefined

  constructor(operator: OperatorFunction<V, VR>, checkedRecords: number) {
    this.operator = operator
    this.run = new OperatorRun(operator)
    this.toCheck = checkedRecords
  }

  init(context: ProcessorContext<K, VR>): void {
    this.context = context
  }

  process({ key, value, timestampMs, headers }: StreamRecord<K, V>): void {
    const context = this.context as ProcessorContext<K, VR>
    const outputs = this.run.valuesOf(value)
    if (typeof outputs === 'string') throw emittedLate(context, outputs)
    if (this.toCheck > 0) this.check(value, outputs)
    // Not from within the operators: RxJS would keep what is thrown below to itself.
    for (const output of outputs) context.forward({ key, value: output, timestampMs, headers })
  }

  private check(value: V, outputs: readonly VR[]): void {
    this.toCheck--
    const before = this.before === NONE ? value : this.before
    this.before = value
    if (carriesState(this.operator, before, value, outputs)) throw stateCarried(this.context as ProcessorContext<K, VR>)
  }
}

function emittedLate({ nodeName, taskId }: ProcessorContext<never, never>, when: string): StreamsError {
  return new StreamsError(
    'RXJS_EMITTED_LATE',
    `The operators of pipeThrough() '${nodeName}' in task ${taskId} ${when}. What belongs to a record is what is emitted while its ` +
      'value is being given. Take operators that are synchronous; state belongs in aggregate(), asynchronous work behind ' +
      'toObservable().',
    { details: { node: nodeName, taskId } }
  )
}

function stateCarried({ nodeName, taskId }: ProcessorContext<never, never>): StreamsError {
  return new StreamsError(
    'RXJS_STATE_CARRIED',
    `The operators of pipeThrough() '${nodeName}' in task ${taskId} carry something from one record to the next, as scan, ` +
      'distinctUntilChanged, pairwise and take do. It would be lost with a restart. State belongs in aggregate(), which keeps it in ' +
      'a store; take operators that look at one value.',
    { details: { node: nodeName, taskId } }
  )
}
