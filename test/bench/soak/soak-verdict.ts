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
/** Parts of the second half, whose means tell how far the line can be trusted: neighbouring seconds are much alike, whole parts less so. */
const PARTS = 10
/** Standard errors of its rise by which the line may miss: LevelDB's size swings by a half, and a line through a few waves is seldom level. */
const ERRORS = 2

export interface Verdict {
  readonly measure: Measure
  readonly mean: number
  /** By how much the line rises over the second half. */
  readonly rise: number
  /** By how much it may seem to rise or fall because of what swings only. */
  readonly error: number
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
    const error = ERRORS * standardError(partMeans(points)) * (end - start)
    const allowed = Math.max(SHARE * mean, measure.floor)
    const line = [mean + slope * (start - centre), mean + slope * (end - centre)] as const
    return { measure, mean, rise, error, allowed, isFlat: rise - error <= allowed, line }
  })
}

export function secondHalf(samples: readonly SoakSample[]): readonly SoakSample[] {
  return samples.slice(samples.length >> 1)
}

export function verdictText(all: readonly Verdict[]): string {
  return all
    .map(({ measure: { title, scale }, mean, rise, error, allowed, isFlat }) => {
      const [average, by, swing, bound] = [mean, rise, error, allowed].map(value => (value / scale).toFixed(1))
      const sign = rise < 0 ? '' : '+'
      return `${isFlat ? 'flat  ' : 'GROWS '} ${title}: ${average} on average, ${sign}${by} ± ${swing} over the second half (at most +${bound})`
    })
    .join('\n')
}

type Points = readonly (readonly [x: number, y: number])[]

function leastSquares(points: Points): { mean: number; slope: number; centre: number; variance: number } {
  const centre = points.reduce((sum, [x]) => sum + x, 0) / points.length
  const mean = points.reduce((sum, [, y]) => sum + y, 0) / points.length
  const variance = points.reduce((sum, [x]) => sum + (x - centre) ** 2, 0)
  const covariance = points.reduce((sum, [x, y]) => sum + (x - centre) * (y - mean), 0)
  return { mean, slope: variance === 0 ? 0 : covariance / variance, centre, variance }
}

/** Of the slope. */
function standardError(points: Points): number {
  if (points.length < 3) return 0
  const { mean, slope, centre, variance } = leastSquares(points)
  const residues = points.reduce((sum, [x, y]) => sum + (y - mean - slope * (x - centre)) ** 2, 0)
  return Math.sqrt(residues / (points.length - 2) / variance)
}

function partMeans(points: Points): Points {
  const parts = Math.min(PARTS, points.length)
  return Array.from({ length: parts }, (_, i) => {
    const part = points.slice(Math.floor((i * points.length) / parts), Math.floor(((i + 1) * points.length) / parts))
    const { mean, centre } = leastSquares(part)
    return [centre, mean] as const
  })
}
