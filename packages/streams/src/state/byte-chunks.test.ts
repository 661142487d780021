import { expect, it } from 'vitest'
import { ByteChunks } from './byte-chunks.ts'

it('keeps runs of every length apart', () => {
  const chunks = new ByteChunks()
  const runs = Array.from({ length: 500 }, (_, i) => Buffer.alloc((i * 37) % 1500, i % 256))
  const places = runs.map(run => ({ start: chunks.add(run), chunk: chunks.chunk }))
  expect(places.map(({ chunk, start }, i) => chunk.subarray(start, start + (runs[i]?.length ?? 0)))).toEqual(runs)
})

it('keeps the bytes as they were when they were added', () => {
  const chunks = new ByteChunks()
  const bytes = Buffer.from('before')
  const start = chunks.add(bytes)
  bytes.write('after!')
  expect(chunks.chunk.toString('utf8', start, start + 6)).toBe('before')
})

it('lets few bytes hold no more than a small buffer, and many bytes only themselves', () => {
  const chunks = new ByteChunks()
  chunks.add(Buffer.alloc(10))
  const small = chunks.chunk
  expect(small.buffer.byteLength).toBe(4096)
  chunks.add(Buffer.alloc(3000))
  expect(chunks.chunk.buffer.byteLength).toBe(3000)
})
