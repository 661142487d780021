import { KAFKA_ERRORS } from '@millrace/protocol'
import { expect, test } from 'vitest'
import { ErrorCode } from './error-code.ts'

test('gives every code the number that Kafka gives it', () => {
  const mine = Object.entries(ErrorCode)
  expect(mine).toEqual(mine.map(([, code]) => [KAFKA_ERRORS.get(code)?.name, code]))
})
