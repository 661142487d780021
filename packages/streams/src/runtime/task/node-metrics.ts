import type { DropReason } from '../../core/index.ts'

/** Plain counters of one node of one task: cheap enough to be bumped for every record. */
export class NodeMetrics {
  processed = 0
  late = 0
  dropped = 0
  readonly droppedByReason = new Map<DropReason, number>()

  drop(reason: DropReason): void {
    this.dropped++
    if (reason === 'late' || reason === 'expired') this.late++
    this.droppedByReason.set(reason, (this.droppedByReason.get(reason) ?? 0) + 1)
  }
}
