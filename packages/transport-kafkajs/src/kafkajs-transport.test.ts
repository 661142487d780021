import { transportContract } from '@millrace/testing/contracts'
import { kafkajsTransport } from './kafkajs-transport.ts'

transportContract({ name: 'kafkajs', open: brokers => kafkajsTransport({ brokers: [...brokers] }) })
