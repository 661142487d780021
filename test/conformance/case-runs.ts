import { seededRandom } from '../chaos/random.ts'
import type { ConformanceCase } from './case-format.ts'

export type StoreKind = 'level' | 'memory'
export type Disk = 'kept' | 'lost'

/** How a case is run. All ways must give what the case expects. */
export interface CaseRun {
  readonly stores: StoreKind
  /** After which steps there is a commit. */
  readonly commits: (step: number) => boolean
  readonly restart: { readonly afterStep: number; readonly disk: Disk } | undefined
}

export interface RunMatrix {
  readonly stores: readonly StoreKind[]
  /** Undefined: no restarts. Otherwise after which step, the last one that the case has at the latest. */
  readonly restartAt: 'random' | number | undefined
  readonly disks: readonly Disk[]
  /** Once without a restart, too. Default false. */
  readonly alsoPlain?: boolean
  readonly seed: number
}

/** Every combination of stores and disks. What is random comes from the seed and the case's id, so that one case alone runs alike. */
export function runsOf(testCase: ConformanceCase, { stores, restartAt, disks, alsoPlain, seed }: RunMatrix): CaseRun[] {
  const random = seededRandom(seed ^ hashOf(testCase.id))
  const afterStep = restartAt === undefined ? undefined : restartStep(testCase, restartAt, random)
  const plain = alsoPlain === true || afterStep === undefined ? [undefined] : []
  const restarts = [...plain, ...(afterStep === undefined ? [] : disks.map(disk => ({ afterStep, disk })))]
  return stores.flatMap(kind =>
    restarts.map(restart => {
      const committed = testCase.steps.map(() => random() < 0.5)
      return { stores: kind, restart, commits: step => committed[step] as boolean }
    })
  )
}

/**
 * The step after which a case is restarted, -1 before the first; undefined for those that cannot be:
 *
 * - the topology was refused, so that nothing ran;
 * - a `ticker` counts in a variable of the processor, and a restart makes new processors.
 */
export function restartStep(
  { nodes, steps, expect }: ConformanceCase,
  restartAt: 'random' | number,
  random: () => number
): number | undefined {
  if (expect.error?.step === -1) return undefined
  if (nodes.some(({ processor }) => processor?.type === 'ticker')) return undefined
  const last = (expect.error?.step ?? steps.length) - 1
  if (restartAt !== 'random') return Math.min(restartAt, last)
  // At least one step is to follow, where there are two.
  return last < 1 ? last : Math.floor(random() * last)
}

export function describeRun({ stores, restart }: CaseRun): string {
  if (restart === undefined) return stores
  const when = restart.afterStep < 0 ? 'before the first step' : `after step ${restart.afterStep}`
  return `${stores}, restarted ${when}, disk ${restart.disk}`
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
