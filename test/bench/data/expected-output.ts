import type { PartitionReader } from '@millrace/streams/ports'
import { BASE_MS, Clicks, countryOf, PAGES, PROBES, probeKey, tierOf, USERS, WINDOW_MS } from './clicks-input.ts'

export type WorkloadName = 'W1' | 'W2' | 'W3' | 'W4' | 'W5' | 'W6'

/** Windows of W3, of which each page has as many places; enough for 19 million clicks. */
const WINDOWS = 64
const RELATIVE_ERROR = 1e-6

type Json = Readonly<Record<string, unknown>>

/**
 * What a workload's output must be, and how far what was read of it agrees. For W2, W3, W5 and W6 the last value of each key counts;
 * W1 and W4 must hold each record once.
 */
export class ExpectedOutput {
  records = 0
  /** Of the last record in the output; its topic stamps records as they are appended. */
  lastAppendMs = 0
  private readonly workload: WorkloadName
  private readonly round: number
  private bad = ''
  private readonly wantedCounts: Int32Array
  private readonly gotCounts: Int32Array
  /** Over the records of each key, of what tells them apart; or, in W3, sums. */
  private readonly wantedSums: Float64Array
  private readonly gotSums: Float64Array

  /** @param round - Of W6: 0 fills the store, a later one probes what was restored. */
  constructor(workload: WorkloadName, count: number, seed: number, round = 0) {
    this.workload = workload
    this.round = round
    const size = workload === 'W3' ? PAGES * WINDOWS : workload === 'W6' ? count : USERS
    this.wantedCounts = new Int32Array(size)
    this.gotCounts = new Int32Array(size)
    this.wantedSums = new Float64Array(size)
    this.gotSums = new Float64Array(size)
    if (workload === 'W6') this.expectEntries(count)
    else this.expectClicks(count, seed)
  }

  accept(reader: PartitionReader): void {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = reader
    this.records++
    this.lastAppendMs = Math.max(this.lastAppendMs, reader.timestampMs)
    const key = keyEnd < 0 ? '' : buffer.toString('latin1', keyStart, keyEnd)
    const value = valueEnd < 0 ? '' : buffer.toString('latin1', valueStart, valueEnd)
    try {
      this.compare(key, JSON.parse(value))
    } catch (error) {
      this.bad ||= `the record '${key}' ${value}: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  /** What is wrong with the output read so far; undefined when it is as it must be. */
  fault(): string | undefined {
    if (this.bad !== '') return this.bad
    const { wantedCounts, gotCounts, wantedSums, gotSums } = this
    let [wrong, example] = [0, '']
    for (let i = 0; i < wantedCounts.length; i++) {
      const [wanted, got] = [wantedCounts[i] as number, gotCounts[i] as number]
      const [wantedSum, gotSum] = [wantedSums[i] as number, gotSums[i] as number]
      // A probe round says nothing of the keys that it leaves out.
      if (this.workload === 'W6' && this.round > 0 && wanted === 0) continue
      const tolerance = this.workload === 'W3' ? RELATIVE_ERROR * Math.max(1, wantedSum) : 0
      if (wanted === got && Math.abs(wantedSum - gotSum) <= tolerance) continue
      if (wrong++ === 0) example = `key ${i} has ${got} (${gotSum}) in place of ${wanted} (${wantedSum})`
    }
    return wrong === 0 ? undefined : `${wrong} keys are wrong: ${example}`
  }

  private expectEntries(count: number): void {
    if (this.round === 0) this.wantedCounts.fill(1)
    else for (let probe = 0; probe < PROBES; probe++) this.wantedCounts[probeKey(count, probe)] = this.round + 1
  }

  private expectClicks(count: number, seed: number): void {
    const { workload, wantedCounts, wantedSums } = this
    const clicks = new Clicks(seed)
    for (let i = 0; i < count; i++) {
      clicks.next()
      const { user, page, ms, ts } = clicks
      if (workload === 'W1' && ms % 2 !== 0) continue
      const at = workload === 'W3' ? page * WINDOWS + Math.floor((ts - BASE_MS) / WINDOW_MS) : user
      wantedCounts[at] = (wantedCounts[at] as number) + 1
      if (workload === 'W2' || workload === 'W5') continue
      wantedSums[at] = (wantedSums[at] as number) + (workload === 'W3' ? ms : fingerprint(page, ms, ts))
    }
  }

  private compare(key: string, value: unknown): void {
    const { workload, wantedCounts, gotCounts, gotSums } = this
    if (workload === 'W2' || workload === 'W5') {
      const user = numberAfter('u', key)
      const count = typeof value === 'number' ? value : numberOf(value as Json, 'count')
      if (count > (wantedCounts[user] as number)) throw new Error(`the key has only ${wantedCounts[user]} records`)
      gotCounts[user] = count
      return
    }
    const json = value as Json
    if (workload === 'W3') {
      const [page, start] = key.split('@') as [string, string]
      const window = (Number(start) - BASE_MS) / WINDOW_MS
      if (!Number.isInteger(window)) throw new Error(`${start} is not the start of a window`)
      const at = numberAfter('/p/', page) * WINDOWS + window
      gotCounts[at] = numberOf(json, 'count')
      gotSums[at] = numberOf(json, 'avg') * numberOf(json, 'count')
      return
    }
    const page = numberAfter('/p/', json['page'])
    if (json['user'] !== key) throw new Error('user is not the key')
    if (workload === 'W6') {
      const entry = numberAfter('k', key)
      if (page !== entry % PAGES) throw new Error('page is that of another key')
      gotCounts[entry] = numberOf(json, 'n')
      return
    }
    const user = numberAfter('u', key)
    const ms = numberOf(json, 'ms')
    if (workload === 'W1' && json['bucket'] !== Math.floor(ms / 10)) throw new Error('bucket is wrong')
    if (workload === 'W4' && (json['country'] !== countryOf(user) || json['tier'] !== tierOf(user))) {
      throw new Error('country or tier is wrong')
    }
    gotCounts[user] = (gotCounts[user] as number) + 1
    gotSums[user] = (gotSums[user] as number) + fingerprint(page, ms, numberOf(json, 'ts'))
  }
}

/** An integer below 2³², so that sums of those of a key are exact. */
function fingerprint(page: number, ms: number, ts: number): number {
  let hash = Math.imul(page, 0x9e3779b1) ^ Math.imul(ms, 0x85ebca77) ^ Math.imul(ts - BASE_MS, 0xc2b2ae3d)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}

function numberAfter(prefix: string, text: unknown): number {
  const number = typeof text === 'string' && text.startsWith(prefix) ? Number(text.slice(prefix.length)) : Number.NaN
  if (!Number.isInteger(number)) throw new Error(`${JSON.stringify(text)} is not ${prefix} and a number`)
  return number
}

function numberOf(json: Json, field: string): number {
  const value = json[field]
  if (typeof value !== 'number') throw new Error(`there is no number ${field}`)
  return value
}
