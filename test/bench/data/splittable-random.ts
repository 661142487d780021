const [GAMMA_HIGH, GAMMA_LOW] = [0x9e3779b9, 0x7f4a7c15]
const TWO_TO_32 = 2 ** 32

/**
 * Java's SplittableRandom, number for number, so that programs in both languages can make the same input. A 64-bit number is kept
 * as two halves: BigInt would take most of the time that a million records need.
 */
export class SplittableRandom {
  private seedHigh: number
  private seedLow: number
  private high = 0
  private low = 0

  /** @param seed - A whole number of at least 0. */
  constructor(seed: number) {
    this.seedHigh = Math.floor(seed / TWO_TO_32) | 0
    this.seedLow = seed | 0
  }

  /** In [0, 1), with 53 bits. */
  nextDouble(): number {
    this.advance()
    this.mixStep(30, 0xbf58476d, 0x1ce4e5b9)
    this.mixStep(27, 0x94d049bb, 0x133111eb)
    const high = this.high ^ (this.high >>> 31)
    const low = this.low ^ ((this.low >>> 31) | (this.high << 1))
    return ((high >>> 0) * 2 ** 21 + (low >>> 11)) * 2 ** -53
  }

  /** In [0, bound); `bound` is above 0 and at most 2³¹ - 1. */
  nextInt(bound: number): number {
    let bits = this.nextBits()
    const mask = bound - 1
    if ((bound & mask) === 0) return bits & mask
    bits >>>= 1
    for (;;) {
      const rest = bits % bound
      if (bits + mask - rest < 2 ** 31) return rest
      bits = this.nextBits() >>> 1
    }
  }

  private nextBits(): number {
    this.advance()
    // By 33: only the upper half's bits reach the lower one.
    this.low ^= this.high >>> 1
    this.multiply(0x62a9d9ed, 0x799705f5)
    this.mixStep(28, 0xcb24d0a5, 0xc88c35b3)
    return this.high
  }

  private advance(): void {
    const low = (this.seedLow >>> 0) + GAMMA_LOW
    this.seedLow = low | 0
    this.seedHigh = (this.seedHigh + GAMMA_HIGH + (low >= TWO_TO_32 ? 1 : 0)) | 0
    this.high = this.seedHigh
    this.low = this.seedLow
  }

  private mixStep(shift: number, factorHigh: number, factorLow: number): void {
    this.low ^= (this.low >>> shift) | (this.high << (32 - shift))
    this.high ^= this.high >>> shift
    this.multiply(factorHigh, factorLow)
  }

  /** Modulo 2⁶⁴. */
  private multiply(factorHigh: number, factorLow: number): void {
    const { high, low } = this
    const a0 = low & 0xffff
    const a1 = low >>> 16
    const b0 = factorLow & 0xffff
    const b1 = factorLow >>> 16
    const middle = a1 * b0 + ((a0 * b0) >>> 16)
    const middle2 = a0 * b1 + (middle & 0xffff)
    const carry = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(middle2 / 0x10000)
    this.low = Math.imul(low, factorLow)
    this.high = (carry + Math.imul(high, factorLow) + Math.imul(low, factorHigh)) | 0
  }
}
