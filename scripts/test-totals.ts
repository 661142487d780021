/** What we read of the report that vitest's `json` reporter writes. */
export interface VitestReport {
  readonly success: boolean
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages?: readonly string[] | null
    }[]
  }[]
}

export interface TestTotals {
  readonly passed: number
  readonly failed: number
}

/**
 * Adds up the tests of all runs. A step that failed without a failed test (a check, a file that does not load, a broker
 * that does not start) counts as a failure too: the line must never say 0 when something is wrong.
 */
export function totalOf(reports: readonly VitestReport[], failedSteps: readonly string[]): TestTotals {
  const passed = reports.reduce((sum, report) => sum + report.numPassedTests, 0)
  const failedTests = reports.reduce((sum, report) => sum + report.numFailedTests, 0)
  const runsWithFailedTests = reports.filter(report => report.numFailedTests > 0).length
  const failedOtherwise = Math.max(0, failedSteps.length - runsWithFailedTests)
  const silentReports = reports.filter(report => !report.success && report.numFailedTests === 0).length
  return { passed, failed: failedTests + Math.max(failedOtherwise, silentReports) }
}

/** What failed and why, a paragraph each: for the end of the output, where somebody looks first. */
export function failuresOf(reports: readonly VitestReport[]): string[] {
  return reports.flatMap(({ testResults }) =>
    testResults.flatMap(file => {
      const failed = file.assertionResults.filter(({ status }) => status === 'failed')
      if (failed.length === 0) return file.status === 'failed' ? [`FAILED ${file.name}\n${file.message ?? ''}`] : []
      return failed.map(test => `FAILED ${file.name} > ${test.fullName}\n${(test.failureMessages ?? []).join('\n')}`)
    })
  )
}
