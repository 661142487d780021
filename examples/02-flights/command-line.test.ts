import { expect, test } from 'vitest'
import { parseCommandLine, UsageError } from './command-line.ts'

test('without options a broker is started and the file keeps its order', () => {
  expect(parseCommandLine([], {})).toEqual({ brokers: undefined, seed: undefined, keep: false, help: false })
  expect(parseCommandLine([], { KAFKA_BROKERS: '' }).brokers).toBeUndefined()
})

test('--brokers goes before KAFKA_BROKERS', () => {
  expect(parseCommandLine([], { KAFKA_BROKERS: 'a:9092, b:9093' }).brokers).toEqual(['a:9092', 'b:9093'])
  expect(parseCommandLine(['--brokers', 'c:1'], { KAFKA_BROKERS: 'a:9092' }).brokers).toEqual(['c:1'])
})

test('--seed takes a whole number, 0 included', () => {
  expect(parseCommandLine(['--seed', '0'], {}).seed).toBe(0)
  for (const wrong of ['x', '1.5', '-1', '', '1e3', '4294967296']) {
    expect(() => parseCommandLine([`--seed=${wrong}`], {})).toThrow('--seed takes a whole number')
  }
})

test('--keep needs a Kafka that outlives the run', () => {
  expect(() => parseCommandLine(['--keep'], {})).toThrow('npx millrace broker')
  expect(parseCommandLine(['--keep'], { KAFKA_BROKERS: 'a:9092' }).keep).toBe(true)
})

test('what is not an option is refused by its name', () => {
  expect(() => parseCommandLine(['--sead', '1'], {})).toThrow("Unknown option '--sead'. See --help.")
  expect(() => parseCommandLine(['7'], {})).toThrow("Unexpected argument '7'")
  expect(() => parseCommandLine(['--keep=yes'], {})).toThrow("'--keep' does not take an argument")
  expect(() => parseCommandLine(['--nonsense'], {})).toThrow(UsageError)
})

test('a broker without a port is refused, with where it was named', () => {
  expect(() => parseCommandLine(['--brokers', 'a'], {})).toThrow("'a' is not host:port")
  expect(() => parseCommandLine([], { KAFKA_BROKERS: 'a:1,' })).toThrow('KAFKA_BROKERS is a list')
})

test('--help asks for nothing else', () => {
  expect(parseCommandLine(['--help', '--keep'], {}).help).toBe(true)
})
