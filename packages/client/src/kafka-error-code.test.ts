import { KAFKA_ERRORS } from '@millrace/protocol'
import { expect, test } from 'vitest'
import { KafkaErrorCode } from './kafka-error-code.ts'

test('gives every code the number that Kafka gives it', () => {
  const mine = Object.entries(KafkaErrorCode).map(([name, code]) => [name, code])
  const kafkas = Object.entries(KafkaErrorCode).map(([, code]) => [KAFKA_ERRORS.get(code)?.name, code])
  expect(mine).toEqual(kafkas)
})
