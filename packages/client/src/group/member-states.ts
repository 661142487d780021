/**
 * Where a member of a classic group stands. The generation it may commit under is that of the last `synced`, through
 * `stable`, `revoking`, and also the following `joining` until the group has moved on.
 */
export type MemberState =
  /** Not in the group; joins next. */
  | 'unjoined'
  /** A join was sent, or waits for its back-off. What is held is kept. */
  | 'joining'
  /** The group has a new generation; the assignment is awaited, in the leader also made. */
  | 'syncing'
  /** Assigned. */
  | 'stable'
  /** The listener gives up partitions. */
  | 'revoking'
  /** Expelled, or cut off for longer than the session: what was held may be another's. */
  | 'lost'
  /** Given up for good. */
  | 'fatal'
  /** `leave` was called. The end. */
  | 'leaving'

export type MemberEvent = 'join' | 'joined' | 'synced' | 'revoke' | 'revoked' | 'lose' | 'reset' | 'fail' | 'leave'

/** What each event does in each state. An event that is missing cannot happen there; if it does, the code is wrong. */
export const TRANSITIONS: Readonly<Record<MemberState, Readonly<Partial<Record<MemberEvent, MemberState>>>>> = {
  unjoined: { join: 'joining', fail: 'fatal', leave: 'leaving' },
  joining: { join: 'joining', joined: 'syncing', lose: 'lost', fail: 'fatal', leave: 'leaving' },
  syncing: { join: 'joining', synced: 'stable', lose: 'lost', fail: 'fatal', leave: 'leaving' },
  stable: { join: 'joining', revoke: 'revoking', lose: 'lost', fail: 'fatal', leave: 'leaving' },
  revoking: { revoked: 'stable', lose: 'lost', fail: 'fatal', leave: 'leaving' },
  lost: { reset: 'unjoined', fail: 'fatal', leave: 'leaving' },
  fatal: { leave: 'leaving' },
  leaving: {}
}

/** States in which a rebalance is under way, so that no commit should be begun. */
export function isRebalancing(state: MemberState): boolean {
  return state === 'joining' || state === 'syncing'
}

/** States that an answer, a heartbeat or a request of the application no longer changes. */
export function isOver(state: MemberState): boolean {
  return state === 'fatal' || state === 'leaving'
}
