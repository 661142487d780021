import { json, type Serde } from '@millrace/streams'
import { keyText } from './case-functions.ts'

/** Keys are text; a windowed key is written as its key text. */
export const KEY: Serde<any> = {
  name: 'case-key',
  serialize: key => Buffer.from(keyText(key), 'utf8'),
  deserialize: bytes => Buffer.from(bytes).toString('utf8')
}

export const VALUE: Serde<any> = json()
