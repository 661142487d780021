// Checked by tsc, never run: what must not compile is marked with @ts-expect-error, which fails when it does compile.
import { expectTypeOf } from 'vitest'
import { int32, joinWindows, type KStream, StreamsBuilder, string } from '../../index.ts'

const builder = new StreamsBuilder()
const views = builder.stream('views', { key: string(), value: string() })
const clicks = builder.stream('clicks', { key: string(), value: int32() })

expectTypeOf(views.join(clicks, (view, click) => view.length + click, joinWindows('5m'))).toEqualTypeOf<
  KStream<string, number>
>()
views.leftJoin(
  clicks,
  (view, click, key) => {
    expectTypeOf(view).toEqualTypeOf<string>()
    expectTypeOf(click).toEqualTypeOf<number | null>()
    expectTypeOf(key).toEqualTypeOf<string>()
    return key
  },
  joinWindows('5m', { grace: '1m', before: 0 })
)
views.outerJoin(
  clicks,
  (view, click) => {
    expectTypeOf(view).toEqualTypeOf<string | null>()
    expectTypeOf(click).toEqualTypeOf<number | null>()
    return view
  },
  joinWindows('5m')
)
views.join(clicks, view => view, joinWindows('5m'), { value: string(), otherValue: int32() })
// @ts-expect-error the serde cannot write the other stream's values
views.join(clicks, view => view, joinWindows('5m'), { otherValue: string() })
// @ts-expect-error no windows
views.join(clicks, view => view)
// @ts-expect-error the keys are numbers
views.join(builder.stream('numbers', { key: int32(), value: int32() }), view => view, joinWindows('5m'))
