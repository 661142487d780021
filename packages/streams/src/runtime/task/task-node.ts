import type { StreamRecord } from '../../core/index.ts'
import { NodeMetrics } from './node-metrics.ts'

export type AnyStreamRecord = StreamRecord<any, any>

/** One node of one task. `process` is the record path: a plain call from parent to child. */
export abstract class TaskNode {
  readonly name: string
  readonly metrics = new NodeMetrics()
  readonly children: TaskNode[] = []

  constructor(name: string) {
    this.name = name
  }

  abstract process(record: AnyStreamRecord): void

  forward(record: AnyStreamRecord): void {
    const children = this.children
    if (children.length === 1) {
      ;(children[0] as TaskNode).process(record)
      return
    }
    for (let i = 0; i < children.length; i++) (children[i] as TaskNode).process(record)
  }
}
