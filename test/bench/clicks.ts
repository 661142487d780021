/** A record of the benchmark's input: about 100 bytes of JSON, keyed by user. */
export interface Click {
  readonly user: string
  readonly page: string
  readonly ms: number
  readonly ts: number
}

/** A row of the table that W4 joins. */
export interface User {
  readonly user: string
  readonly name: string
  readonly country: string
  readonly tier: string
}
