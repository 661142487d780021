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

const access = { command: 'txn', json: false, brokers: undefined, clientConfig: undefined }

test('reads what is to be done with transactions', () => {
  expect(
    parseCommandLine(['txn', 'list', '--state', 'Ongoing', '--state', 'PrepareAbort', '--longer-than', '2m'])
  ).toEqual({
    ...access,
    action: 'list',
    states: ['Ongoing', 'PrepareAbort'],
    longerThanMs: 120_000
  })
  const where = ['--brokers', 'a:1, b:2', '-c', 'client.json', '--json']
  expect(parseCommandLine(['txn', 'abort', 'my-id', ...where])).toEqual({
    ...access,
    action: 'abort',
    transactionalId: 'my-id',
    brokers: ['a:1', 'b:2'],
    clientConfig: 'client.json',
    json: true
  })
  expect(parseCommandLine(['txn', 'abort', '--topic', 't', '--partition', '0', '--start-offset', '7'])).toEqual({
    ...access,
    action: 'abort-in-partition',
    topic: 't',
    partition: 0,
    startOffset: 7
  })
  expect(parseCommandLine(['txn', 'find-hanging'])).toMatchObject({ action: 'find-hanging', longerThanMs: 900_000 })
})

test.each([
  [['txn'], /needs what to do: list, describe, abort, find-hanging/],
  [['txn', 'lst'], /cannot 'lst'\. Did you mean list\?/],
  [['txn', 'describe'], /needs a transactional id/],
  [['txn', 'describe', 'a', 'b'], /takes no 'b'/],
  [['txn', 'list', 'a'], /takes no 'a'/],
  [['txn', 'list', '--longer-than', 'soon'], /--longer-than is a duration, such as 60s or 15m; given was 'soon'/],
  [['txn', 'list', '--topic', 't'], /--topic is no option of `txn list`/],
  [['txn', 'abort', 'a', '--topic', 't'], /takes a transactional id, or --topic, --partition and --start-offset/],
  [['txn', 'abort', '--topic', 't', '--partition', '0'], /--start-offset together/],
  [['txn', 'abort', '--topic', 't', '--partition', '-1', '--start-offset', '0'], /--partition/],
  [['txn', 'find-hanging', '--partition', '1'], /--partition needs a --topic/],
  [['txn', 'list', '-b', 'a:1', '--bootstrap-server', 'a:1'], /are the same/],
  [['txn', 'list', '--workers', '3'], /--workers is an option of `run`, not of `txn`/],
  [['run', 'app.ts', '--state', 'Ongoing'], /--state is an option of `txn`, not of `run`/]
])('refuses %o', (argv, message) => {
  expect(messageOf(...argv)).toMatch(message)
})
