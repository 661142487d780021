import type { KeyValueRow, Serde, StateStore, VersionedRecord, Windowed } from '@millrace/streams/core'
import type { StoreSpec } from '@millrace/streams/topology'
import { plainText, termOf, windowedTerm } from './notation/typed-term.ts'

/**
 * Rows by the text of their key, as in the notation: `a`, of windows `a[0,5m)`, of sessions `a[0,5m]`. Where one key may have
 * several entries (`retainDuplicates`), a list of them.
 */
export type StoreSnapshot = Record<string, unknown>

type Rows = { all(): AsyncIterable<KeyValueRow<unknown, unknown>> }
type Versions = { versions(key: unknown, fromMs: number, toMs: number): readonly VersionedRecord<unknown>[] }

/** Live rows in order of their keys' texts. What is expired, or deleted, is not among them. */
export async function storeSnapshot(spec: StoreSpec, store: StateStore, timestamps: boolean): Promise<StoreSnapshot> {
  const rows: [key: string, value: unknown][] = []
  for await (const { key, value } of (store as StateStore & Rows).all()) {
    rows.push([keyText(spec, key), valueOf(spec, store, key, value, timestamps)])
  }
  rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  if (spec.retainDuplicates !== true) return Object.fromEntries(rows)
  const lists: Record<string, unknown[]> = {}
  for (const [key, value] of rows) {
    lists[key] ??= []
    lists[key].push(value)
  }
  return lists
}

function keyText({ kind, key: serde }: StoreSpec, key: unknown): string {
  switch (kind) {
    case 'window':
    case 'timestamped-window':
    case 'session': {
      const windowed = key as Windowed<unknown>
      return windowedTerm(textOf(windowed.key, serde), windowed, kind === 'session' ? ']' : ')')
    }
    default:
      return textOf(key, serde)
  }
}

/** A text as it is, though the notation would put it in quotes. */
function textOf(key: unknown, serde: Serde<unknown>): string {
  return typeof key === 'string' ? key : termOf(key, serde)
}

function valueOf(spec: StoreSpec, store: StateStore, key: unknown, stored: unknown, timestamps: boolean): unknown {
  switch (spec.kind) {
    case 'timestamped-key-value':
    case 'timestamped-window': {
      const { value, timestampMs } = stored as VersionedRecord<unknown>
      return timestamps ? { value: plain(value), timestampMs } : plain(value)
    }
    case 'versioned-key-value': {
      if (!timestamps) return plain((stored as VersionedRecord<unknown>).value)
      const versions = (store as StateStore & Versions).versions(key, 0, Number.MAX_SAFE_INTEGER)
      return versions.map(({ value, timestampMs, validToMs }) => ({
        value: plain(value),
        timestampMs,
        ...(validToMs === undefined ? {} : { validToMs })
      }))
    }
    default:
      return plain(stored)
  }
}

/** Bytes as text, since a view into a larger buffer is nobody's business. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return plainText(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]))
}
