import type { SoakSample } from './soak-sample.ts'

/** What has to stay flat, and by how much it may swing where it is small. */
export const MEASURES = [
  { name: 'rss', title: 'RSS, MB', scale: 1e6, floor: 10e6 },
  { name: 'heapUsed', title: 'heap in use, MB', scale: 1e6, floor: 10e6 },
  { name: 'external', title: 'external, MB', scale: 1e6, floor: 10e6 },
  { name: 'diskBytes', title: 'LevelDB on disk, MB', scale: 1e6, floor: 10e6 },
  { name: 'openWindows', title: 'open windows, thousands', scale: 1e3, floor: 1e3 }
] as const satisfies readonly { name: keyof SoakSample; title: string; scale: number; floor: number }[]

export type Measure = (typeof MEASURES)[number]

/** Of the mean, that a straight line through the second half may rise from its beginning to its end. */
const SHARE = 0.1

export interface Verdict {
  readonly measure: Measure
  readonly mean: number
  /** By how much the line rises over the second half. */
  readonly rise: number
  readonly allowed: number
  readonly isFlat: boolean
  /** At the start and the end of the second half. */
  readonly line: readonly [number, number]
}

/** The first half fills windows, caches and the heap; the second one has to be flat. */
export function verdicts(samples: readonly SoakSample[]): Verdict[] {
  const half = secondHalf(samples)
  if (half.length < 2) throw new Error('There are too few samples to judge.')
  const [start, end] = [(half[0] as SoakSample).seconds, (half.at(-1) as SoakSample).seconds]
  return MEASURES.map(measure => {
    const points = half.map(sample => [sample.seconds, sample[measure.name]] as const)
    const { mean, slope, centre } = leastSquares(points)
    const rise = slope * (end - start)
    const allowed = Math.max(SHARE * mean, measure.floor)
    const line = [mean + slope * (start - centre), mean + slope * (end - centre)] as const
    return { measure, mean, rise, allowed, isFlat: rise <= allowed, line }
  })
}

export function secondHalf(samples: readonly SoakSample[]): readonly SoakSample[] {
  return samples.slice(samples.length >> 1)
}

export function verdictText(all: readonly Verdict[]): string {
  return all
    .map(({ measure: { title, scale }, mean, rise, allowed, isFlat }) => {
      const [average, by, bound] = [mean, rise, allowed].map(value => (value / scale).toFixed(1))
      const sign = rise < 0 ? '' : '+'
      return `${isFlat ? 'flat  ' : 'GROWS '} ${title}: ${average} on average, ${sign}${by} over the second half (at most +${bound})`
    })
    .join('\n')
}

function leastSquares(points: readonly (readonly [number, number])[]): { mean: number; slope: number; centre: number } {
  const centre = points.reduce((sum, [x]) => sum + x, 0) / points.length
  const mean = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  const variance = points.reduce((sum, [x]) => sum + (x - centre) ** 2, 0)
  const covariance = points.reduce((sum, [x, y]) => sum + (x - centre) * (y - mean), 0)
  return { mean, slope: variance === 0 ? 0 : covariance / variance, centre }
}
