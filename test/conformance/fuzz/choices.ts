import { seededRandom } from '../../chaos/random.ts'

/** Random decisions; the same for the same seed. */
export class Choices {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = seededRandom(seed)
  }

  chance(percent: number): boolean {
    return this.#random() * 100 < percent
  }

  /** A whole number in [from, to]. */
  between(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1))
  }

  oneOf<const T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new Error('There is nothing to choose from.')
    return choices[this.between(0, choices.length - 1)] as T
  }
}
