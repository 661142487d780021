import { StreamsError } from '@millrace/streams/core'

/** @throws StreamsError `CONFIG_INVALID` unless `value` is an integer of at least `least` */
export function checkNumber(where: string, option: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least) return
  throw new StreamsError(
    'CONFIG_INVALID',
    `The option '${option}' of ${where} is ${String(value)}; it must be an integer of at least ${least}.`,
    { details: { option, value } }
  )
}
