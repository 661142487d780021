import { transportContract } from '@millrace/testing/contracts'
import { kafkajsTransport } from './kafkajs-transport.ts'

const kafka = process.env.KAFKA_BROKERS?.split(',')[0]
if (kafka === undefined) throw new Error('KAFKA_BROKERS is not set: it names the broker that this test talks to.')

transportContract({ name: 'kafkajs on Kafka', kafka, open: brokers => kafkajsTransport({ brokers: [...brokers] }) })
