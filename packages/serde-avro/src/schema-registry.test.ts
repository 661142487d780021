import { execFile } from 'node:child_process'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { MockClock } from '@millrace/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { MemoryRegistry } from './dev/index.ts'
import { type RegistryOptions, registryAvro, schemaRegistry } from './index.ts'
import { caught } from './test-support/registry-suite.ts'
import { TLS_IDENTITY } from './test-support/tls-identity.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise<void>(resolve => void server.close(() => resolve()))
  }
})

/** A server that answers each request with what `answer` gives: a status and a body. */
async function serve(answer: (path: string) => [status: number, body: unknown] | undefined, tls?: object) {
  const requests: string[] = []
  const listener: RequestListener = (request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim())
    request.resume()
    const given = answer(request.url ?? '')
    if (given === undefined) return
    const [status, body] = given
    response.writeHead(status)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  servers.push(server as Server)
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, port, requests }
}

/** Lets a mock clock pass until a promise is settled. */
async function passing<T>(clock: MockClock, promise: Promise<T>): Promise<T> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  while (!settled) {
    await new Promise<void>(resolve => void setImmediate(resolve))
    clock.advance(1)
  }
  return await promise
}

describe('requests', () => {
  test('that are not served are repeated, each time after a longer wait, and fail in the words of the registry', async () => {
    const clock = new MockClock()
    const atMs: number[] = []
    const { url, requests } = await serve(() => {
      atMs.push(clock.monotonicMs())
      return [503, { error_code: 50_302, message: 'The leader is away' }]
    })
    const registry = schemaRegistry({ url, clock, retries: 4, retryBackoffMs: 100, retryBackoffMaxMs: 300 })
    const error = await caught(() => passing(clock, registry.idOf('s', 'int', true)))
    expect(error.code).toBe('REGISTRY_UNAVAILABLE')
    expect(error.message).toContain(
      `'POST ${url}/subjects/s/versions', tried 5 times; at last: 503 (50302): The leader is away`
    )
    expect(requests).toHaveLength(5)
    const waits = atMs.slice(1).map((at, index) => at - (atMs[index] as number))
    // The clock goes on while an answer is on its way.
    for (const [index, least] of [100, 200, 300, 300].entries()) expect(waits[index]).toBeGreaterThanOrEqual(least)
    expect(waits[0]).toBeLessThan(200)
  })

  test('that register what another registers at the same moment are repeated, as some registries refuse them', async () => {
    const conflict = { error_code: 409, message: "An artifact with ID 's' in group 'null' already exists." }
    const answers: [number, unknown][] = [
      [409, conflict],
      [409, conflict],
      [200, { id: 7 }]
    ]
    const { url, requests } = await serve(() => answers.shift())
    const clock = new MockClock()
    expect(await passing(clock, schemaRegistry({ url, clock }).idOf('s', 'int', true))).toBe(7)
    expect(requests).toEqual(Array(3).fill('POST /subjects/s/versions'))
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(100 + 200)
  })

  test('that a registry goes on to call a conflict fail in its words', async () => {
    const { url, requests } = await serve(() => [409, { error_code: 409, message: 'The artifact already exists' }])
    const clock = new MockClock()
    const error = await caught(() => passing(clock, schemaRegistry({ url, clock }).idOf('s', 'int', true)))
    expect(error.code).toBe('SCHEMA_INCOMPATIBLE')
    expect(error.message).toContain('It says 409: The artifact already exists')
    expect(requests.filter(request => request.endsWith('/versions'))).toHaveLength(6)
  })

  test('that are not answered in time are repeated as well', async () => {
    const clock = new MockClock()
    let count = 0
    const { url } = await serve(() => (++count === 1 ? undefined : [200, { id: 7 }]))
    const registry = schemaRegistry({ url, clock, requestTimeoutMs: 50, retryBackoffMs: 1 })
    expect(await passing(clock, registry.idOf('s', 'int', true))).toBe(7)
    const silent = schemaRegistry({ url: (await serve(() => undefined)).url, clock, requestTimeoutMs: 50, retries: 0 })
    expect((await caught(() => passing(clock, silent.idOf('s', 'int', true)))).message).toContain(
      'no answer within 50 ms'
    )
  })

  test('go to the next address when one is away, and stay there', async () => {
    const first = await serve(() => [500, 'out of order'])
    const second = await serve(() => [200, { id: 3 }])
    const registry = schemaRegistry({ url: [first.url, `${second.url}/base/`] })
    expect(await registry.idOf('a', 'int', true)).toBe(3)
    expect(await registry.idOf('b', 'int', true)).toBe(3)
    expect(first.requests).toHaveLength(1)
    expect(second.requests).toEqual(['POST /base/subjects/a/versions', 'POST /base/subjects/b/versions'])
  })

  test('that are under way together each go to the address that answers', async () => {
    const away = await serve(() => [500, 'out of order'])
    const here = await serve(path => [200, { id: path.length }])
    const registry = schemaRegistry({ url: [away.url, here.url], retries: 1, retryBackoffMs: 60_000 })
    const ids = await Promise.all(['a', 'b', 'c', 'd'].map(subject => registry.idOf(subject, 'int', true)))
    expect(ids).toEqual([20, 20, 20, 20])
    expect(registry.address).toBe(here.url)
  })

  test('keep the process from ending while they wait to be repeated', async () => {
    const script = `
      import { schemaRegistry } from '@millrace/serde-avro'
      const registry = schemaRegistry({ url: 'http://127.0.0.1:1', retries: 1, retryBackoffMs: 1 })
      await registry.idOf('s', 'int', true).catch(error => console.log(error.code))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: import.meta.dirname
    })
    expect(stdout.trim()).toBe('REGISTRY_UNAVAILABLE')
  })

  test('do not wait for a token for ever', async () => {
    const clock = new MockClock()
    const { url } = await serve(() => [200, { id: 1 }])
    const token = () => new Promise<string>(() => {})
    const registry = schemaRegistry({ url, clock, auth: { token }, requestTimeoutMs: 50, retries: 0 })
    const error = await caught(() => passing(clock, registry.idOf('s', 'int', true)))
    expect([error.code, error.message]).toEqual([
      'REGISTRY_UNAVAILABLE',
      expect.stringContaining('auth.token() gave no token within 50 ms')
    ])
  })

  test.each<[string, (port: number) => Partial<RegistryOptions>, string]>([
    [
      'a user',
      () => ({ auth: { username: 'ann', password: 'p:ä' } }),
      `Basic ${Buffer.from('ann:p:ä').toString('base64')}`
    ],
    [
      'a user in the address',
      port => ({ url: `http://ann:p%40@127.0.0.1:${port}` }),
      `Basic ${Buffer.from('ann:p@').toString('base64')}`
    ],
    ['a token', () => ({ auth: { token: 'abc' } }), 'Bearer abc'],
    ['a token that is asked for', () => ({ auth: { token: async () => 'fresh' } }), 'Bearer fresh'],
    ['a header', () => ({ headers: { authorization: 'Digest x' } }), 'Digest x']
  ])('carry %s', async (_name, options, authorization) => {
    const { url, port, requests } = await serve(() => [200, { id: 1 }])
    await schemaRegistry({ url, ...options(port) }).idOf('s', 'int', true)
    expect(requests).toEqual([`POST /subjects/s/versions ${authorization}`])
  })

  test('that are refused say so at once, and no error shows a password', async () => {
    await using registry = await MemoryRegistry.start({ authorization: 'Bearer right' })
    const url = registry.url.replace('http://', 'http://ann:secret@')
    const error = await caught(() => schemaRegistry({ url }).idOf('s', 'int', true))
    expect(error.code).toBe('REGISTRY_REFUSED')
    expect(error.message).toContain(`'POST ${registry.url}/subjects/s/versions'. It says 401: Unauthorized`)
    expect(JSON.stringify([error.message, error.details])).not.toContain('secret')
    expect(registry.requests).toHaveLength(1)
    expect(await schemaRegistry({ url: registry.url, auth: { token: 'right' } }).idOf('s', 'int', true)).toBe(1)
  })

  test('answered by something else say so', async () => {
    const { url } = await serve(() => [200, '<html>Welcome</html>'])
    const error = await caught(() => schemaRegistry({ url }).idOf('s', 'int', true))
    expect(error.message).toContain('is no schema registry. It said "<html>Welcome</html>"')
  })

  test('go over TLS with the given authority, and not without', async () => {
    const { url } = await serve(() => [200, { id: 5 }], TLS_IDENTITY)
    expect(await schemaRegistry({ url, tls: { ca: TLS_IDENTITY.cert } }).idOf('s', 'int', true)).toBe(5)
    const error = await caught(() => schemaRegistry({ url, retries: 0 }).idOf('s', 'int', true))
    expect(error.code).toBe('REGISTRY_UNAVAILABLE')
    expect(error.message).toContain('self-signed')
  })
})

describe('what was learnt', () => {
  test('is not asked for again: ids, schemas by id, versions', async () => {
    await using server = await MemoryRegistry.start()
    const clock = new MockClock()
    const registry = schemaRegistry({ url: server.url, clock })
    const writer = schemaRegistry({ url: server.url })
    await writer.idOf('s', 'int', true)
    await Promise.all([registry.idOf('s', 'int', false), registry.idOf('s', 'int', false)])
    await registry.idOf('s', 'int', false)
    expect(server.requests).toEqual(['POST /subjects/s/versions', 'POST /subjects/s'])

    const reader = schemaRegistry({ url: server.url, clock })
    server.requests.length = 0
    await Promise.all([reader.fetch(1), reader.fetch(1)])
    expect(reader.known(1)).toEqual({ id: 1, schema: 'int', references: [] })
    expect(server.requests).toEqual(['GET /schemas/ids/1'])

    server.requests.length = 0
    await Promise.all([reader.loadVersions('s'), reader.loadVersions('s')])
    clock.advance(5_000)
    await reader.loadVersions('s')
    // New versions may have come, those that were there stay as they are.
    expect(server.requests).toEqual([
      'GET /subjects/s/versions',
      'GET /subjects/s/versions/1',
      'GET /subjects/s/versions'
    ])
  })

  test('of an id that there is none is believed for a while only', async () => {
    await using server = await MemoryRegistry.start()
    const clock = new MockClock()
    const registry = schemaRegistry({ url: server.url, clock })
    await registry.fetch(1)
    expect((await caught(() => registry.known(1))).message).toContain(
      'knows no schema of id 1. It says 404 (40403): Schema 1 not found'
    )
    await schemaRegistry({ url: server.url }).idOf('s', 'int', true)
    clock.advance(20_000)
    expect(registry.known(1)).toBeUndefined()
    await registry.fetch(1)
    expect(registry.known(1)?.schema).toBe('int')
  })

  test('of ids that there are none of is forgotten before it fills the memory', async () => {
    const { url, requests } = await serve(() => [404, { error_code: 40_403, message: 'none' }])
    const registry = schemaRegistry({ url })
    for (let id = 0; id < 1_001; id++) await registry.fetch(id)
    expect(registry.known(0)).toBeUndefined()
    expect((await caught(() => registry.known(1))).code).toBe('RECORD_DESERIALIZE_FAILED')
    expect(requests).toHaveLength(1_001)
  })

  test('of a reference that is not there yet is asked again', async () => {
    let isThere = false
    const { url } = await serve(path => {
      if (path === '/schemas/ids/1' || path === '/schemas/ids/2') {
        return [200, { schema: '"geo.Zip"', references: [{ name: 'geo.Zip', subject: 'zip', version: 1 }] }]
      }
      return isThere
        ? [200, { id: 9, schema: '{"type":"fixed","name":"geo.Zip","size":4}' }]
        : [404, { error_code: 40_401, message: 'none' }]
    })
    const registry = schemaRegistry({ url })
    await registry.fetch(1)
    isThere = true
    await registry.fetch(2)
    expect(registry.known(2)?.references).toEqual([{ type: 'fixed', name: 'geo.Zip', size: 4 }])
  })

  test('of a refusal is tried again, after a wait, and says why meanwhile', async () => {
    const clock = new MockClock()
    let isAllowed = false
    const { url, requests } = await serve(() =>
      isAllowed ? [200, { schema: '"int"' }] : [403, { error_code: 40_301, message: 'not yours' }]
    )
    const registry = schemaRegistry({ url, clock, retryBackoffMs: 100 })
    await registry.fetch(1)
    expect(registry.known(1)).toBeUndefined()
    expect(registry.failureOf(1)).toContain('It says 403 (40301): not yours')
    const second = registry.fetch(1)
    // Others are served meanwhile: had it asked, it would have been heard.
    for (let other = 0; other < 3; other++) await fetch(`${url}/others`)
    expect(requests.filter(request => request.endsWith('/ids/1'))).toHaveLength(1)
    isAllowed = true
    await passing(clock, second)
    expect([registry.known(1)?.schema, registry.failureOf(1)]).toEqual(['int', undefined])
  })

  test('of a schema of another kind is that it is none of Avro', async () => {
    const { url } = await serve(() => [200, { schema: '{}', schemaType: 'JSON' }])
    const registry = schemaRegistry({ url })
    await registry.fetch(1)
    expect(registry.failureOf(1)).toContain('is of type JSON, not Avro')
  })
})

test.each<[string, unknown, string]>([
  ['no address', {}, 'needs the url'],
  ['no addresses', { url: [] }, 'needs the url'],
  ['a query', { url: 'http://x/?token=1' }, 'without a query'],
  ['a user that is not encoded', { url: 'http://50%:a@x' }, 'as encodeURIComponent'],
  ['another protocol', { url: 'ftp://x' }, "takes as url 'http://…'"],
  ['half a user', { url: 'http://x', auth: { username: 'a' } }, 'either { username, password } or { token }'],
  ['both', { url: 'http://x', auth: { username: 'a', password: 'b', token: 'c' } }, 'either'],
  ['a time that is none', { url: 'http://x', retries: -1 }, 'whole number as retries, not -1'],
  ['a misspelt option', { url: 'http://x', urls: 1 }, "no option 'urls'"],
  ['a misspelt option of TLS', { url: 'http://x', tls: { caa: 1 } }, "no option 'caa'"]
])('a registry with %s is refused at once', async (_name, options, words) => {
  expect((await caught(() => schemaRegistry(options as RegistryOptions))).message).toContain(words)
})

test('a strategy that names no subject is refused before anything is registered under another name', async () => {
  const serde = registryAvro({ url: 'http://x', schema: 'int', subjectStrategy: () => undefined as never })
  const error = await caught(() => serde.prepare?.({ topic: 't', isKey: false }, 'write'))
  expect(error.code).toBe('CONFIG_INVALID')
  expect(error.message).toContain("returned undefined for the values of 't'")
})

test.each<[string, object, string]>([
  [
    'two registries',
    { registry: schemaRegistry({ url: 'http://x' }), url: 'http://y' },
    "a registry or 'url', not both"
  ],
  ['no such strategy', { subjectStrategy: 'Topic' }, "no subjectStrategy 'Topic'. Choose 'TopicName'"],
  [
    'a strategy without a name',
    { subjectStrategy: 'RecordName', schema: 'int' },
    "needs a schema with a name, not 'int'"
  ],
  ['a text for a boolean', { autoRegister: 'no' }, 'true or false as autoRegister'],
  ['no such long', { long: 'int' }, "no long 'int'"],
  ['a misspelt option', { schemas: 'int' }, "no option 'schemas'"]
])('a serde with %s is refused at once', async (_name, options, words) => {
  expect((await caught(() => registryAvro({ url: 'http://x', ...options } as never))).message).toContain(words)
})
