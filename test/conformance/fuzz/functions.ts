import type { FnSpec, Json } from '../case-format.ts'
import { type CaseDraft, type Flow, fn, numberField, type Shape } from './flow.ts'

export function predicateFor({ choices }: CaseDraft, flow: Flow): FnSpec {
  if (flow.shape === 'any') {
    const byKey = [fn('keyEq', 'a'), fn('not', fn('keyEq', 'b') as unknown as Json)]
    return choices.oneOf([...byKey, fn('valueIsNull'), fn('not', fn('valueIsNull') as unknown as Json)])
  }
  const field = numberField(flow)
  const numeric = [fn('gt', field, choices.between(-2, 9)), fn('lt', field, choices.between(0, 11)), fn('even', field)]
  const ofRecords = [fn('eq', 'g', choices.oneOf(['x', 'y'])), fn('hasField', 'g')]
  return choices.oneOf(flow.shape === 'record' ? [...numeric, ...ofRecords] : numeric)
}

/** A value function, and what it makes of the values. */
export function valueFunctionFor(draft: CaseDraft, flow: Flow): readonly [FnSpec, Shape] {
  const { choices } = draft
  const field = numberField(flow)
  const nullIf = fn('nullIf', predicateFor(draft, flow) as unknown as Json)
  const any: (readonly [FnSpec, Shape])[] = [
    [fn('render'), 'any'],
    [fn('renderWithKey'), 'any'],
    [fn('wrap', 'w'), 'any'],
    [nullIf, flow.shape],
    [fn('identity'), flow.shape],
    [fn('const', choices.oneOf([7, 'c'])), 'any']
  ]
  const numeric: (readonly [FnSpec, Shape])[] = [
    [fn('addField', field, choices.between(-3, 9)), flow.shape],
    [nullIf, flow.shape]
  ]
  const ofRecords: (readonly [FnSpec, Shape])[] = [
    [fn('pick', 'n'), 'number'],
    [fn('setField', 'g', choices.oneOf(['x', 'q'])), 'record'],
    [fn('withKey', 'k'), 'record']
  ]
  if (flow.shape === 'any') return choices.oneOf(any)
  return choices.oneOf([...any, ...numeric, ...numeric, ...(flow.shape === 'record' ? ofRecords : [])])
}

/** A key function for keys that are text. */
export function keyFunctionFor({ choices }: CaseDraft, { shape }: Flow): FnSpec {
  const always = [fn('key'), fn('const', 'k'), fn('value')]
  const ofRecords = [fn('field', 'g'), fn('field', 'g'), fn('concat', 'g'), fn('field', 'n')]
  return choices.oneOf(shape === 'record' ? [...ofRecords, fn('key')] : always)
}

export function reducerFor({ choices }: CaseDraft, { shape }: Flow): FnSpec {
  const any = [fn('last', ''), fn('first')]
  if (shape === 'record') return choices.oneOf([...any, fn('sumField', 'n'), fn('maxField', 'n')])
  if (shape === 'number')
    return choices.oneOf([...any, fn('sum', ''), fn('max', ''), fn('min', ''), fn('sumDropZero', '')])
  return choices.oneOf([...any, fn('join', '')])
}

export interface Aggregation {
  readonly init: Json
  readonly aggregator: FnSpec
  /** Combines two aggregates; for sessions. */
  readonly merger: FnSpec
  readonly shape: Shape
}

export function aggregationFor({ choices }: CaseDraft, flow: Flow): Aggregation {
  const field = numberField(flow)
  if (choices.chance(50)) {
    const aggregator = choices.oneOf([fn('append', field), fn('join', field), fn('joinWithKey', field)])
    if (aggregator.fn === 'append') return { init: [], aggregator, merger: fn('concatLists'), shape: 'any' }
    return { init: '', aggregator, merger: fn('join'), shape: 'any' }
  }
  const aggregator = choices.oneOf([fn('sum', field), fn('max', field), fn('min', field), fn('sumDropZero', field)])
  return { init: choices.between(0, 1), aggregator, merger: fn('sum', ''), shape: 'number' }
}

/** A joiner, and what it makes of the values. */
export function joinerFor({ choices }: CaseDraft, left: Flow, right: Flow, hasKey: boolean): readonly [FnSpec, Shape] {
  const any: (readonly [FnSpec, Shape])[] = [
    [fn('pair'), 'any'],
    [fn('object'), 'any'],
    [fn('left'), left.shape],
    [fn('right', ''), right.shape],
    ...(hasKey ? [[fn('pairWithKey'), 'any'] as const] : [])
  ]
  const isNumeric = left.shape === right.shape && left.shape !== 'any'
  return choices.oneOf(isNumeric ? [...any, [fn('sumOf', numberField(left)), 'number'] as const] : any)
}
