/** A topic may be unknown to a broker for a moment after its creation, or after a restart. */
export const MISSING_AFTER_MS = 5_000
