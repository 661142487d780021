import type { RawRange, RawRow, RawStore, RawWrite } from '@millrace/streams/ports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

export interface RawStoreContractOptions {
  readonly name: string
  /** Opens an empty store. */
  readonly open: () => Promise<RawStore>
  /** Cases that this store cannot pass, each with its reason. */
  readonly skip: readonly { readonly test: string; readonly reason: string }[]
}

/** What every RawStore must hold. Call it in a test file of the adapter. */
export function rawStoreContract(options: RawStoreContractOptions): void {
  const skipped = new Set(options.skip.map(entry => entry.test))
  const test = (name: string, body: () => Promise<void>): void => {
    if (skipped.has(name)) it.skip(name, body)
    else it(name, body)
  }

  describe(`raw store contract: ${options.name}`, () => {
    let store: RawStore
    beforeEach(async () => {
      store = await options.open()
    })
    afterEach(() => store.close())

    const fill = (count: number) =>
      store.write(Array.from({ length: count }, (_, i) => put(`k${String(i).padStart(5, '0')}`, `v${i}`)))

    test('returns undefined for a key that was never written', async () => {
      expect(store.getSync(bytes('a'))).toBeUndefined()
    })

    test('reads what a settled write wrote', async () => {
      await store.write([put('a', '1'), put('b', '2')])
      expect(text(store.getSync(bytes('a')))).toBe('1')
      expect(text(store.getSync(bytes('b')))).toBe('2')
    })

    test('deletes a key with a null value', async () => {
      await store.write([put('a', '1'), put('b', '2')])
      await store.write([
        { key: bytes('a'), value: null },
        { key: bytes('never there'), value: null }
      ])
      expect(store.getSync(bytes('a'))).toBeUndefined()
      expect(text(store.getSync(bytes('b')))).toBe('2')
    })

    test('applies the writes of a batch in their order', async () => {
      await store.write([put('a', '1'), { key: bytes('a'), value: null }, put('a', '2'), put('b', '1'), put('b', '2')])
      expect(text(store.getSync(bytes('a')))).toBe('2')
      expect(text(store.getSync(bytes('b')))).toBe('2')
    })

    test('writes many rows in batches that follow one another', async () => {
      for (const i of [0, 1, 2, 3]) {
        await store.write(
          Array.from({ length: 500 }, (_, j) => put(`k${i * 500 + j}`, `v${i}`)),
          { bulk: i < 3 }
        )
      }
      expect(await collect(store, {})).toHaveLength(2000)
      expect(text(store.getSync(bytes('k999')))).toBe('v1')
    })

    test('accepts an empty batch', async () => {
      await store.write([])
      expect(await collect(store, {})).toEqual([])
    })

    test('keeps an empty value apart from an absent one', async () => {
      await store.write([put('a', '')])
      expect(store.getSync(bytes('a'))).toHaveLength(0)
    })

    test('keeps keys and values of any bytes', async () => {
      const all = Uint8Array.from({ length: 256 }, (_, i) => i)
      await store.write([{ key: all, value: all.toReversed() }])
      expect([...(store.getSync(all) ?? [])]).toEqual([...all.toReversed()])
    })

    test('does not see later changes of the bytes it was given', async () => {
      const key = bytes('a')
      const value = bytes('1')
      await store.write([{ key, value }])
      key[0] = 0x7a
      value[0] = 0x7a
      expect(text(store.getSync(bytes('a')))).toBe('1')
    })

    test('gives each reader its own bytes', async () => {
      await store.write([put('a', '1')])
      store.getSync(bytes('a'))?.fill(0)
      for await (const row of store.iterate({})) row.value.fill(0)
      expect(text(store.getSync(bytes('a')))).toBe('1')
    })

    test('takes views into larger buffers for keys', async () => {
      await store.write([put('key', 'value')])
      expect(text(store.getSync(bytes('a key here').subarray(2, 5)))).toBe('value')
      expect(text(store.getSync(Buffer.from('a key here').subarray(2, 5)))).toBe('value')
    })

    test('iterates in the order of unsigned bytes, shorter keys first', async () => {
      const keys = [[0xff, 0], [0x80], [0x7f], [1], [1, 0], [0, 0xff], [0xff]]
      await store.write(keys.map(key => ({ key: Uint8Array.from(key), value: bytes('x') })))
      const found: number[][] = []
      for await (const row of store.iterate({})) found.push([...row.key])
      expect(found).toEqual([[0, 0xff], [1], [1, 0], [0x7f], [0x80], [0xff], [0xff, 0]])
    })

    test('iterates over a range that includes its start and excludes its end', async () => {
      await store.write(['a', 'b', 'c', 'd'].map(key => put(key, key)))
      expect(await collect(store, { from: bytes('b'), to: bytes('d') })).toEqual(['b', 'c'])
      expect(await collect(store, { from: bytes('bb') })).toEqual(['c', 'd'])
      expect(await collect(store, { to: bytes('b') })).toEqual(['a'])
      expect(await collect(store, { from: bytes('x'), to: bytes('a') })).toEqual([])
    })

    test('copies each write before it takes the next', async () => {
      const write = { key: bytes('_'), value: bytes('_') as Uint8Array | null }
      function* reused(): Generator<typeof write> {
        for (const [key, value] of 'abcb'.split('').map((text, i) => [text, '123-'[i] as string] as const)) {
          write.key[0] = key.charCodeAt(0)
          if (value === '-') write.value = null
          else (write.value as Uint8Array)[0] = value.charCodeAt(0)
          yield write
        }
      }
      const writing = store.write(reused())
      // All of them were taken before it returned.
      write.key[0] = 0x7a
      await writing
      expect(await collect(store, {})).toEqual(['a', 'c'])
      expect(
        [store.getSync(bytes('a')), store.getSync(bytes('c'))].map(value => Buffer.from(value ?? []).toString())
      ).toEqual(['1', '3'])
    })

    test('throws what its writes throw, and writes nothing', async () => {
      function* failing(): Generator<RawWrite> {
        yield put('a', '1')
        throw new Error('the rows have gone')
      }
      await expect(store.write(failing())).rejects.toThrow('the rows have gone')
      expect(await collect(store, {})).toEqual([])
      await store.write([put('b', '1')])
      expect(await collect(store, {})).toEqual(['b'])
    })

    test('iterates backwards over the same range', async () => {
      await store.write(['a', 'b', 'c', 'd'].map(key => put(key, key)))
      expect(await collect(store, { from: bytes('b'), to: bytes('d'), reverse: true })).toEqual(['c', 'b'])
    })

    test('iterates over more rows than fit one read', async () => {
      await fill(5000)
      const keys = await collect(store, {})
      expect(keys).toHaveLength(5000)
      expect(keys[0]).toBe('k00000')
      expect(keys.at(-1)).toBe('k04999')
    })

    test('iterates over the rows as they were at the first step', async () => {
      await fill(2000)
      const rows: RawRow[] = []
      for await (const row of store.iterate({})) {
        if (rows.length === 0)
          await store.write([put('k00001', 'new'), { key: bytes('k01999'), value: null }, put('z', '')])
        rows.push(row)
      }
      expect(rows).toHaveLength(2000)
      expect(text(rows[1]?.value)).toBe('v1')
    })

    test('lets an iteration be left early', async () => {
      await fill(2000)
      for await (const row of store.iterate({})) if (text(row.key) === 'k00003') break
      await store.write([put('a', '1')])
      expect(text(store.getSync(bytes('a')))).toBe('1')
    })

    test('clears a range in steps and tells how many keys went', async () => {
      await fill(25)
      const range = { from: bytes('k00005'), to: bytes('k00020') }
      expect(await store.clear(range, 10)).toBe(10)
      expect(await store.clear(range, 10)).toBe(5)
      expect(await store.clear(range, 10)).toBe(0)
      expect(await collect(store, {})).toEqual(
        [0, 1, 2, 3, 4, 20, 21, 22, 23, 24].map(i => `k000${String(i).padStart(2, '0')}`)
      )
    })

    test('tells more bytes when there are more', async () => {
      const before = await store.approximateBytes()
      await store.write(Array.from({ length: 1000 }, (_, i) => put(`k${i}`, 'x'.repeat(500))))
      expect(await store.approximateBytes()).toBeGreaterThan(before + 100_000)
    })

    test('refuses to work once closed', async () => {
      await store.close()
      expect(() => store.getSync(bytes('a'))).toThrow('STORE_CLOSED')
      await expect(store.write([put('a', '1')])).rejects.toThrow('STORE_CLOSED')
      await store.close()
    })
  })
}

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value)
}

function put(key: string, value: string): RawWrite {
  return { key: bytes(key), value: bytes(value) }
}

async function collect(store: RawStore, range: RawRange): Promise<(string | undefined)[]> {
  const keys: (string | undefined)[] = []
  for await (const row of store.iterate(range)) keys.push(text(row.key))
  return keys
}
