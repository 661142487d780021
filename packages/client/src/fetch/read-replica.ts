/** After a follower failed, the leader is asked to serve the partition itself for this long. */
const AVOID_MS = 10_000

/**
 * Which replica one partition is read from (KIP-392). The leader names a follower in the client's rack; it is asked until
 * the lease is over, so that a change of replicas is noticed, or until it fails.
 */
export class ReadReplica {
  #nodeId = -1
  #untilMs = 0
  #avoidUntilMs = 0

  /** The leader's choice. */
  prefer(nodeId: number, nowMs: number, leaseMs: number): void {
    this.#nodeId = nodeId
    this.#untilMs = nowMs + leaseMs
  }

  /** The follower to ask; undefined: the leader. */
  at(nowMs: number): number | undefined {
    return this.#nodeId < 0 || nowMs >= this.#untilMs ? undefined : this.#nodeId
  }

  /** It failed, is gone, or lags behind. */
  avoid(nowMs: number): void {
    this.#nodeId = -1
    this.#avoidUntilMs = nowMs + AVOID_MS
  }

  /** Whether the leader must not be told the client's rack: it would name the follower again, and send no records. */
  avoids(nowMs: number): boolean {
    return nowMs < this.#avoidUntilMs
  }
}
