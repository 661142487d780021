/** Settings of the transaction coordinator, after those of Kafka named in brackets. Defaults are Kafka's. */
export interface TransactionConfig {
  /** Longer transaction time-outs are refused [transaction.max.timeout.ms]. */
  readonly transactionMaxTimeoutMs: number
  /** A transactional id unused for this long is forgotten [transactional.id.expiration.ms]. */
  readonly transactionalIdExpirationMs: number
  /** How often expired ids are looked for [transaction.remove.expired.transaction.cleanup.interval.ms]. */
  readonly transactionalIdCleanupIntervalMs: number
  /**
   * How long after the decision the markers are written, and the next transaction is refused with CONCURRENT_TRANSACTIONS
   * meanwhile, as in a Kafka that is busy. Default 0: the answer comes when they are written. Ours.
   */
  readonly transactionMarkerDelayMs: number
}

export const DEFAULT_TRANSACTION_CONFIG: TransactionConfig = {
  transactionMaxTimeoutMs: 900_000,
  transactionalIdExpirationMs: 604_800_000,
  transactionalIdCleanupIntervalMs: 3_600_000,
  transactionMarkerDelayMs: 0
}
