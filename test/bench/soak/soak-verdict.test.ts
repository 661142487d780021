import { expect, test } from 'vitest'
import { soakPlot } from './soak-plot.ts'
import { type SoakSample, soakCsv } from './soak-sample.ts'
import { verdicts, verdictText } from './soak-verdict.ts'

/** A second each: a heap that is collected every seven seconds, and RSS as given. */
function samples(rss: (second: number) => number): SoakSample[] {
  return Array.from({ length: 600 }, (_, seconds) => ({
    ...{ seconds, records: 1000 * seconds, rss: rss(seconds), heapUsed: 50e6 + (seconds % 7) * 5e6, external: 20e6 },
    ...{ diskBytes: 40e6, openWindows: 5000 + (seconds % 10) * 100 }
  }))
}

const growing = (all: SoakSample[]) => verdicts(all).flatMap(({ measure, isFlat }) => (isFlat ? [] : [measure.name]))

test('what rises while it warms up and swings then is flat', () => {
  expect(growing(samples(second => Math.min(200e6, 100e6 + second * 1e6) + (second % 3) * 10e6))).toEqual([])
})

test('what goes on to rise is not, although it swings', () => {
  const leaking = samples(second => 200e6 + second * 0.1e6 + (second % 3) * 10e6)
  expect(growing(leaking)).toEqual(['rss'])
  expect(verdictText(verdicts(leaking))).toMatch(
    /GROWS +RSS, MB: 254\.9 on average, \+30\.2 ± \d\.\d .*\(at most \+25\.5\)/
  )
})

/** As LevelDB's size does: waves of four minutes under a saw of one. */
const waves = (second: number) => 80e6 + 20e6 * Math.sin(second / 38) + (second % 60) * 0.6e6

test('what swings in slow waves is flat, wherever in a wave the second half begins and ends', () => {
  for (let shift = 0; shift < 240; shift += 20) expect(growing(samples(second => waves(second + shift)))).toEqual([])
})

test('what rises under slow waves as much as they are high is not', () => {
  for (let shift = 0; shift < 240; shift += 20) {
    expect(growing(samples(second => waves(second + shift) + second * 0.35e6))).toEqual(['rss'])
  }
})

test('the line of least squares goes through the second half', () => {
  const [rss] = verdicts(samples(second => second * 1e6))
  expect(rss?.line.map(Math.round)).toEqual([300e6, 599e6])
})

test('samples become a table and a picture of every measure', () => {
  const all = samples(() => 200e6)
  expect(soakCsv(all).split('\n')[1]).toBe('0,0,200000000,50000000,20000000,40000000,5000')
  const svg = soakPlot(all, verdicts(all))
  expect(svg.match(/<polyline/g)).toHaveLength(6)
  expect(svg).not.toMatch(/NaN|undefined/)
  expect(svg).toContain('LevelDB on disk')
})
