import { expect, test } from 'vitest'
import { BadOption, benchOptions } from './bench-options.ts'

test('without arguments all workloads run, ours beside Kafka Streams', () => {
  expect(benchOptions([])).toMatchObject({
    ...{ workloads: ['W1', 'W2', 'W3', 'W4', 'W5', 'W6'], others: [], systems: ['ours', 'java1'] },
    ...{ records: 1e6, reps: 3, build: true }
  })
})

test('pieces are run alone or together', () => {
  expect(benchOptions(['latency'])).toMatchObject({ workloads: [], others: ['latency'] })
  expect(benchOptions(['W3', 'growth', '--reps', '1'])).toMatchObject({
    workloads: ['W3'],
    others: ['growth'],
    reps: 1
  })
})

test.each([
  [['--repetitions', '3'], /--repetitions/],
  [['W7'], /'W7'.*W1, W2/],
  [['--systems', 'ours,java3'], /'java3'.*java1nc/],
  [['--records', '1e3x'], /--records is '1e3x'/],
  [['--reps', '0'], /--reps is '0'/],
  [['W1', '--merge', 'a.json'], /--merge runs nothing/]
])('%o is refused with what may be', (args, message) => {
  expect(() => benchOptions(args)).toThrow(BadOption)
  expect(() => benchOptions(args)).toThrow(message)
})
