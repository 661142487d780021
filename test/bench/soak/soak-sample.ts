/** What the application says of itself. */
export interface WorkerSample {
  readonly records: number
  readonly heapUsed: number
  readonly rss: number
  readonly external: number
  readonly openWindows: number
}

export interface SoakSample extends WorkerSample {
  /** Since the application took its first record. */
  readonly seconds: number
  /** Of all LevelDB databases on disk. */
  readonly diskBytes: number
}

export function soakCsv(samples: readonly SoakSample[]): string {
  const columns = ['seconds', 'records', 'rss', 'heapUsed', 'external', 'diskBytes', 'openWindows'] as const
  const rows = samples.map(sample => columns.map(column => sample[column]).join(','))
  return `${[columns.join(','), ...rows].join('\n')}\n`
}
