import type { SoakSample } from './soak-sample.ts'
import type { Verdict } from './soak-verdict.ts'

const WIDTH = 900
const PANEL_HEIGHT = 130
const MARGIN = { left: 70, right: 40, top: 50, between: 26 }
const FLAT = '#2b7a4b'
const GROWING = '#b3261e'

/** A panel for each measure, one below the other, with its line of least squares; and one for the speed. */
export function soakPlot(samples: readonly SoakSample[], all: readonly Verdict[]): string {
  const last = samples.at(-1)?.seconds ?? 1
  const x = (seconds: number): number => MARGIN.left + (seconds / last) * (WIDTH - MARGIN.left - MARGIN.right)
  const half = samples[samples.length >> 1]?.seconds ?? 0
  const speeds = samples.map(({ seconds, records }, i) => {
    const before = samples[Math.max(0, i - 10)] as SoakSample
    return [seconds, seconds > before.seconds ? (records - before.records) / (seconds - before.seconds) / 1000 : 0]
  }) as [number, number][]
  const panels = all.map(({ measure: { name, title, scale }, isFlat, line, rise, error, allowed }) => ({
    points: samples.map(sample => [sample.seconds, sample[name] / scale] as [number, number]),
    title: `${title}: ${rise < 0 ? '' : '+'}${(rise / scale).toFixed(1)} ± ${(error / scale).toFixed(1)} over the second half, at most +${(allowed / scale).toFixed(1)}`,
    line: line.map(value => value / scale) as [number, number],
    colour: isFlat ? FLAT : GROWING
  }))
  const speed = { points: speeds, title: 'thousands of records a second, over 10 s', line: undefined, colour: '#345' }
  const drawn = [...panels, speed].map(({ points, title, line, colour }, index) => {
    const top = MARGIN.top + index * (PANEL_HEIGHT + MARGIN.between)
    const highest = niceAbove(Math.max(...points.map(([, value]) => value)))
    const y = (value: number): number => top + PANEL_HEIGHT - (Math.max(0, value) / highest) * (PANEL_HEIGHT - 20)
    const curve = points.map(([seconds, value]) => `${x(seconds).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
    const ticks = [0, highest / 2, highest].map(
      value =>
        `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}"/>` +
        `<text class="tick" x="${MARGIN.left - 8}" y="${y(value) + 4}">${Number(value.toPrecision(3))}</text>`
    )
    const trend =
      line === undefined
        ? ''
        : `<line stroke="${colour}" stroke-width="2" stroke-dasharray="6 4" x1="${x(half)}" x2="${x(last)}" y1="${y(line[0])}" y2="${y(line[1])}"/>`
    return [
      `<text class="title" x="${MARGIN.left}" y="${top + 8}">${title}</text>`,
      ...ticks,
      `<polyline fill="none" stroke="${colour}" points="${curve}"/>`,
      trend
    ].join('\n')
  })
  const height = MARGIN.top + drawn.length * (PANEL_HEIGHT + MARGIN.between) + 30
  const minutes = Array.from({ length: 6 }, (_, i) => (i * last) / 5).map(
    seconds => `<text class="minute" x="${x(seconds)}" y="${height - 16}">${(seconds / 60).toFixed(1)} min</text>`
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<style>.grid{stroke:#ddd}.tick{text-anchor:end;fill:#555}.minute{text-anchor:middle;fill:#555}.title{font-weight:bold}</style>',
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="${MARGIN.left}" y="26" font-size="16">Memory at full speed, windows opening and expiring</text>`,
    ...drawn,
    ...minutes,
    '</svg>\n'
  ].join('\n')
}

/** The next of 1, 2, 5, 10, 20, … */
function niceAbove(value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 3, 5, 10].find(factor => factor * power >= value) as number) * power
}
