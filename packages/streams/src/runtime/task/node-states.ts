import { type NodeState, StreamsError } from '../../core/index.ts'

class StoredState implements NodeState {
  value: number
  constructor(value: number) {
    this.value = value
  }
}

/**
 * The integers that nodes keep beside their stores, such as their stream time. They are committed in the metadata of the
 * input offsets, so they move with the task; see `offset-metadata.ts`. Nodes are known by their stable names: a generated one may
 * be another node's in the next version of the topology.
 */
export class NodeStates {
  readonly #states = new Map<string, StoredState>()
  readonly #initials = new Map<string, number>()
  readonly #restored: ReadonlyMap<string, number>

  /** @param restored - by `hashOf` key, as read from committed metadata. */
  constructor(restored: ReadonlyMap<string, number>) {
    this.#restored = restored
  }

  declare(node: string, name: string, initial: number): NodeState {
    const id = `${node}/${name}`
    const existing = this.#states.get(id)
    if (existing !== undefined) return existing

    const hash = hashOf(id)
    for (const other of this.#states.keys()) {
      if (hashOf(other) === hash) {
        throw new StreamsError(
          'TOPOLOGY_INVALID',
          `The node states '${id}' and '${other}' have the same hash. Give one of the nodes another name.`
        )
      }
    }
    const state = new StoredState(this.#restored.get(hash) ?? initial)
    this.#states.set(id, state)
    this.#initials.set(id, initial)
    return state
  }

  /** States that differ from their initial value, by hash: what has to be committed. */
  changed(): Map<string, number> {
    const changed = new Map<string, number>()
    for (const [id, state] of this.#states) {
      if (state.value !== this.#initials.get(id)) changed.set(hashOf(id), state.value)
    }
    return changed
  }
}

/** FNV-1a over the UTF-16 units, 32 bits, base 36: names are too long for 4,096 bytes of metadata. */
function hashOf(id: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) {
    hash ^= id.charCodeAt(i)
    hash = Math.imul(hash, 0x01000193)
  }
  return (hash >>> 0).toString(36)
}
