import { inject } from 'vitest'

// Tests, and the processes that they start, read where their broker is from the environment, whatever it said before.
process.env.KAFKA_BROKERS = inject('embeddedBroker')
process.env.MILLRACE_TEST_BROKER = 'embedded'
