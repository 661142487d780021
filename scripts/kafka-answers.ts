import { connect } from 'node:net'

const METADATA_API_KEY = 3
const METADATA_VERSION = 1
const CORRELATION_ID = 0x6d696c6c
const CORRELATION_ID_AT = 4
/** Where the number of brokers stands: after the frame's size and the correlation id. */
const BROKER_COUNT_AT = 8

/**
 * Whether a Kafka broker answers at `port`: it tells its metadata, with a live broker in it. A socket that accepts is
 * not enough: until the node is registered with the controller, the list of brokers is empty.
 */
export function kafkaAnswers(port: number, timeoutMs: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    let received = Buffer.alloc(0)
    const finish = (answers: boolean): void => {
      socket.destroy()
      resolve(answers)
    }
    socket.setTimeout(timeoutMs, () => finish(false))
    socket.once('error', () => finish(false))
    socket.once('close', () => finish(false))
    socket.once('connect', () => socket.write(metadataRequest()))
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      if (received.length < BROKER_COUNT_AT + 4) return
      // Whatever else listens here may answer something, but not with our number.
      const isKafka = received.readInt32BE(CORRELATION_ID_AT) === CORRELATION_ID
      finish(isKafka && received.readInt32BE(BROKER_COUNT_AT) > 0)
    })
  })
}

function metadataRequest(): Buffer {
  const frame = Buffer.alloc(4 + 2 + 2 + 4 + 2 + 4)
  frame.writeInt32BE(frame.length - 4, 0)
  frame.writeInt16BE(METADATA_API_KEY, 4)
  frame.writeInt16BE(METADATA_VERSION, 6)
  frame.writeInt32BE(CORRELATION_ID, 8)
  frame.writeInt16BE(-1, 12) // no client id
  frame.writeInt32BE(0, 14) // no topics
  return frame
}
