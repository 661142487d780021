import { expect, test } from 'vitest'
import { parseCommandLine, UsageError } from './command-line.ts'

function messageOf(...argv: string[]): string {
  try {
    parseCommandLine(argv)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'accepted'
}

test('reads a run with its options and the arguments of the application', () => {
  expect(parseCommandLine(['run', 'app.ts', '--workers', '3', '--', '--topic', 'clicks'])).toEqual({
    command: 'run',
    entry: 'app.ts',
    workers: 3,
    maxRestarts: 10,
    restartDelayMs: 1000,
    applicationArguments: ['--topic', 'clicks']
  })
})

test('refuses an unknown option and names the nearest one', () => {
  expect(messageOf('run', 'app.ts', '--worker', '3')).toBe("There is no option '--worker'. Did you mean --workers?")
  expect(messageOf('run', 'app.ts', '--frobnicate')).toContain('There are --workers, --max-restarts')
  expect(messageOf('run', 'app.ts', '--constructor')).toContain("There is no option '--constructor'")
})

test('refuses an unknown command and names the nearest one', () => {
  expect(messageOf('runn', 'app.ts')).toBe("There is no command 'runn'. Did you mean run?")
})

test('refuses a number of workers that is none', () => {
  for (const given of ['0', '-1', '1.5', 'many', '', '1025']) {
    expect(messageOf('run', 'app.ts', `--workers=${given}`)).toContain('--workers is a whole number from 1 to 1024')
  }
})

test('refuses an option without its value, a flag with one, and a second file', () => {
  expect(messageOf('run', 'app.ts', '--workers')).toBe('--workers needs a value.')
  expect(messageOf('--help=yes')).toContain('--help takes no value')
  expect(messageOf('run', 'a.ts', 'b.ts')).toContain("then there is 'b.ts'")
  expect(messageOf('run')).toContain('needs the file of an application')
  expect(messageOf()).toContain('There is no command')
})

test('reads a broker with its options', () => {
  const broker = { command: 'broker', host: '127.0.0.1', port: 9092, data: undefined, fsync: 'never' }
  expect(parseCommandLine(['broker'])).toEqual(broker)
  expect(parseCommandLine(['broker', '-p', '0', '-d', './dir', '--host', '::1', '--fsync', 'always'])).toEqual({
    ...broker,
    port: 0,
    data: './dir',
    host: '::1',
    fsync: 'always'
  })
  expect(messageOf('broker', '--port', '70000')).toContain('--port is a whole number from 0 to 65535')
  expect(messageOf('broker', '--fsync', 'sometimes')).toContain("--fsync is 'never' or 'always'")
  expect(messageOf('broker', '--data=')).toBe('--data needs a value.')
  expect(messageOf('broker', 'app.ts')).toContain("then there is 'app.ts'")
})

test('refuses the option of another command', () => {
  expect(messageOf('broker', '--workers', '2')).toBe('--workers is an option of `run`, not of `broker`.')
  expect(messageOf('run', 'app.ts', '--port', '1')).toBe('--port is an option of `broker`, not of `run`.')
})

test('help and version win over everything else', () => {
  expect(parseCommandLine(['run', '--help'])).toEqual({ command: 'help' })
  expect(parseCommandLine(['help'])).toEqual({ command: 'help' })
  expect(parseCommandLine(['-v'])).toEqual({ command: 'version' })
})
