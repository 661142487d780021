import { Clicks } from '../data/clicks-input.ts'
import { type ClickShape, CLICK_SHAPES } from '../data/click-shapes.ts'
import type { JsonRun } from './results.ts'
import { WorkloadRunner, type WorkloadOptions } from './run-workload.ts'
import type { Systems } from './systems.ts'

/** Ours on W1 and W2 with the same clicks in JSON of several shapes, in turns. */
export async function runJsonShapes(
  systems: Systems,
  reps: number,
  options: WorkloadOptions,
  keep: (run: JsonRun) => Promise<void>
): Promise<void> {
  const ours = await systems.prepare('ours')
  const inputs: { readonly shape: ClickShape; readonly topic: string }[] = []
  for (const shape of CLICK_SHAPES) {
    const topic = `bench-clicks-${options.records}-${options.seed}-${shape.name.replaceAll(/\W+/g, '-')}`
    if ((await options.topics.count(topic)) !== options.records) {
      await options.topics.remake(topic, { 'retention.ms': '-1' })
      const clicks = new Clicks(options.seed)
      await options.topics.fill(topic, options.records, append => {
        clicks.next()
        append(clicks.partition, `u${clicks.user}`, shape.json(clicks), clicks.ts)
      })
    }
    inputs.push({ shape, topic })
  }
  for (const workload of ['W1', 'W2'] as const) {
    for (let repetition = 1; repetition <= reps; repetition++) {
      for (const { shape, topic } of inputs) {
        const runner = new WorkloadRunner(workload, ours, { ...options, input: topic })
        const { failure, recordsPerSecond, cpuSeconds } = await runner.run()
        await runner.close()
        const head = { piece: 'json', workload, shape: shape.name, records: options.records, repetition } as const
        await keep(failure === undefined ? { ...head, recordsPerSecond, cpuSeconds } : { ...head, failure })
      }
    }
  }
}
