/**
 * The states of a classic group, in Kafka's words, as DescribeGroups shows them.
 *
 * Empty: no members, perhaps offsets. PreparingRebalance: members are asked to join. CompletingRebalance: all have
 * joined, the leader's assignment is awaited. Stable: everybody has an assignment, or may fetch it. Dead: deleted.
 */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

/** From which states each state is entered. */
export const ENTERED_FROM: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
  Dead: ['Stable', 'PreparingRebalance', 'CompletingRebalance', 'Empty', 'Dead']
}
