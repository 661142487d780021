import type { Random } from '@millrace/streams/ports'

/**
 * A uuid of version 4 in Kafka's text form, 22 characters of base64url; never one that begins with a dash, as in Kafka.
 */
export function randomUuid(random: Random): string {
  for (;;) {
    const bytes = Buffer.alloc(16)
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(random() * 256)
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
    const text = bytes.toString('base64url')
    if (!text.startsWith('-')) return text
  }
}
