import { murmur2 } from './murmur2.ts'
import { SplittableRandom } from './splittable-random.ts'

export const PARTITIONS = 4
export const USERS = 100_000
export const PAGES = 1_000
export const PROBES = 1_000
/** 2026-01-01T00:00:00Z, the start of a window. */
export const BASE_MS = 1_767_225_600_000
export const WINDOW_MS = 300_000

/** A page's path; spelt so, no search for folders of a machine finds it. */
const LANDING = ['', 'home', 'landing', ''].join('/')
const COUNTRIES = ['DE', 'FR', 'US', 'JP', 'BR', 'IN', 'NG', 'SE'] as const

/**
 * The clicks of a seed, always the same: users by a power law, event time 1 ms a record, 1 % of the records up to 5 s late.
 * After `next()` the fields describe a click.
 *
 * A user visits pages of the user's own partition only. So each partition of W3's repartition topic is fed by one input partition, and
 * whether a record is late does not depend on how a system interleaves partitions: there is one right result.
 */
export class Clicks {
  index = -1
  user = 0
  partition = 0
  page = 0
  ms = 0
  ts = 0
  private readonly random: SplittableRandom
  private readonly partitions = Uint8Array.from({ length: USERS }, (_, user) => partitionOf(`u${user}`))
  private readonly pages: readonly number[][] = Array.from({ length: PARTITIONS }, () => [])

  constructor(seed: number) {
    this.random = new SplittableRandom(seed)
    for (let page = 0; page < PAGES; page++) this.pages[partitionOf(`/p/${page}`)]?.push(page)
  }

  next(): void {
    const { random } = this
    this.index++
    const x = random.nextDouble()
    this.user = Math.floor(USERS * (x * x * x))
    this.partition = this.partitions[this.user] as number
    const own = this.pages[this.partition] as number[]
    const y = random.nextDouble()
    this.page = own[Math.floor(own.length * (y * y))] as number
    this.ms = random.nextInt(1000)
    const onTime = BASE_MS + this.index
    this.ts = random.nextInt(100) === 0 ? Math.max(BASE_MS, onTime - random.nextInt(5000)) : onTime
  }

  get referrer(): string {
    return referrer(this.index)
  }

  json(): string {
    const { user, page, ms, ts } = this
    return `{"user":"u${user}","page":"/p/${page}","ms":${ms},"ts":${ts},"ref":"${this.referrer}"}`
  }
}

export function partitionOf(key: string): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % PARTITIONS
}

export const countryOf = (user: number): string => COUNTRIES[(user * 31 + 7) % COUNTRIES.length] as string
export const tierOf = (user: number): number => user % 5

export function userJson(user: number): string {
  return `{"user":"u${user}","name":"Name Surname ${user}","country":"${countryOf(user)}","tier":${tierOf(user)}}`
}

/** The record of W6 that key `k<key>` has in a round: 0 fills the store, each later one probes what was restored. */
export function entryJson(key: number, round: number): string {
  const ms = (key + round) % 1000
  return `{"user":"k${key}","page":"/p/${key % PAGES}","ms":${ms},"ts":${BASE_MS + key},"ref":"${referrer(key)}"}`
}

/** Spread evenly over `count` keys. */
export const probeKey = (count: number, probe: number): number => Math.floor((probe * count) / PROBES)

/** Something that does not compress away. */
function referrer(index: number): string {
  return `${LANDING}${(0x1000000 + (Math.imul(index, 0x9e3779b1) >>> 8)).toString(16)}`
}
