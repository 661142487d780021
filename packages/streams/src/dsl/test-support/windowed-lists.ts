import { json, type Windowed } from '../../core/index.ts'
import type { FixedWindows } from '../operators/windowed-by.ts'
import type { StreamsBuilder } from '../streams-builder.ts'
import type { EmitStrategy } from '../windowed/emit-strategy.ts'
import { TEXT } from './run-topology.ts'

/** The text of a windowed key: `a:0-10`. */
export function windowText({ key, startMs, endMs }: Windowed<string>): string {
  return `${key}:${startMs}-${endMs === Number.MAX_SAFE_INTEGER ? 'max' : endMs}`
}

/** Lists the values of each window of `in` and writes them to `out`, keyed by the text of the window. */
export function windowLists(windows: FixedWindows, emits: EmitStrategy = 'onWindowUpdate') {
  return (builder: StreamsBuilder): void => {
    builder
      .stream('in', TEXT)
      .groupByKey()
      .windowedBy(windows)
      .emitStrategy(emits)
      .aggregate(
        (): number[] => [],
        (_key, value, list) => [...list, value],
        { value: json<number[]>() }
      )
      .toStream(windowText)
      .to('out', TEXT)
  }
}
