/** The command line can't be followed; the message says what to write instead. */
export class UsageError extends Error {}
