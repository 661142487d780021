/** The nth update of a key, and which process made it. */
export interface ChaosOutput {
  readonly count: number
  readonly incarnation: string
}
