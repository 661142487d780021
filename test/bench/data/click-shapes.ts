import type { Clicks } from './clicks-input.ts'

/** A way to write a click as JSON. */
export interface ClickShape {
  readonly name: string
  json(click: Clicks): string
}

/**
 * The same clicks in other words: all of the same length, so that what differs in speed is due to the order, the number or the spelling
 * of the fields and not to the number of bytes.
 */
export const CLICK_SHAPES: readonly ClickShape[] = [
  { name: 'fields as they are', json: click => click.json() },
  {
    name: 'fields in another order',
    json({ user, page, ms, ts, referrer }) {
      return `{"ref":"${referrer}","ts":${ts},"ms":${ms},"user":"u${user}","page":"/p/${page}"}`
    }
  },
  {
    name: 'order changes by record',
    json({ index, user, page, ms, ts, referrer }) {
      const fields = [`"user":"u${user}"`, `"page":"/p/${page}"`, `"ms":${ms}`, `"ts":${ts}`, `"ref":"${referrer}"`]
      const first = index % fields.length
      return `{${[...fields.slice(first), ...fields.slice(0, first)].join(',')}}`
    }
  },
  {
    name: 'two more fields',
    // As long as the referrer that they take the place of.
    json({ user, page, ms, ts, referrer }) {
      const added = '"a":1,"b":{"c":[2]}'
      const shorter = referrer.slice(added.length + 1)
      return `{${added},"user":"u${user}","page":"/p/${page}","ms":${ms},"ts":${ts},"ref":"${shorter}"}`
    }
  }
]
