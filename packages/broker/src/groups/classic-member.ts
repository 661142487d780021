import type { JoinAnswer, JoinRequest, SyncAnswer } from './group-messages.ts'

/** A name that all members must share, with what this member says under it: its subscription. */
export type MemberProtocol = JoinRequest['protocols'][number]

export interface ClassicMemberOptions {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly MemberProtocol[]
  readonly assignment?: Uint8Array
}

export const NO_BYTES: Uint8Array = new Uint8Array(0)

/** One member of a classic group: what it told, what it was given, and the requests of it that wait for an answer. */
export class ClassicMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  protocols: readonly MemberProtocol[]
  assignment: Uint8Array
  /** Answers the JoinGroup that waits for the others to join; null when none does. Set only by its group, which counts. */
  answerJoin: ((answer: JoinAnswer) => void) | null = null
  /** Answers the SyncGroup that waits for the leader's assignment; null when none does. */
  answerSync: ((answer: SyncAnswer) => void) | null = null
  /** Until its first round is over: it has no id yet to send heartbeats with, so its join may expire. */
  isNew = false
  /** Cancels the timer that removes it. */
  cancelExpiry: () => void = () => {}

  constructor(options: ClassicMemberOptions) {
    this.memberId = options.memberId
    this.groupInstanceId = options.groupInstanceId
    this.clientId = options.clientId
    this.clientHost = options.clientHost
    this.protocolType = options.protocolType
    this.rebalanceTimeoutMs = options.rebalanceTimeoutMs
    this.sessionTimeoutMs = options.sessionTimeoutMs
    this.protocols = options.protocols
    this.assignment = options.assignment ?? NO_BYTES
  }

  /** The same member under another id, with no request that waits. */
  renamed(memberId: string): ClassicMember {
    return new ClassicMember({
      memberId,
      groupInstanceId: this.groupInstanceId,
      clientId: this.clientId,
      clientHost: this.clientHost,
      rebalanceTimeoutMs: this.rebalanceTimeoutMs,
      sessionTimeoutMs: this.sessionTimeoutMs,
      protocolType: this.protocolType,
      protocols: this.protocols,
      assignment: this.assignment
    })
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null
  }

  /** True when it needs no heartbeat just now: the broker holds a request of it. */
  get excusedFromHeartbeats(): boolean {
    return !this.isNew && (this.answerJoin !== null || this.answerSync !== null)
  }

  /** What it says under `protocolName`; empty where it does not know the name. */
  metadata(protocolName: string | null): Uint8Array {
    return this.protocols.find(protocol => protocol.name === protocolName)?.metadata ?? NO_BYTES
  }

  /** Whether these protocols, in this order, are those it has already told. */
  matches(protocols: readonly MemberProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every((protocol, i) => {
        const known = this.protocols[i] as MemberProtocol
        return protocol.name === known.name && protocol.metadata.equals(known.metadata)
      })
    )
  }

  /** Its most preferred of the candidates. */
  vote(candidates: ReadonlySet<string>): string {
    const choice = this.protocols.find(protocol => candidates.has(protocol.name))
    if (choice === undefined) {
      throw new Error(`Member '${this.memberId}' supports none of ${[...candidates].join(', ')}.`)
    }
    return choice.name
  }
}
