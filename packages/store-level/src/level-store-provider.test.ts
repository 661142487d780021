import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LevelStoreProvider } from './level-store-provider.ts'

let stateDir: string
let provider: LevelStoreProvider
const children: ChildProcess[] = []

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-provider-'))
  provider = newProvider()
})

afterEach(async () => {
  for (const child of children.splice(0)) await kill(child)
  await provider.close()
  await rm(stateDir, { recursive: true })
})

function newProvider(): LevelStoreProvider {
  return new LevelStoreProvider({ stateDir, applicationId: 'app' })
}

it('keeps the state of a task and tells whether it is fresh', async () => {
  const first = await provider.open('0_0')
  expect(first.fresh).toBe(true)
  await first.store.write([{ key: Buffer.from('a'), value: Buffer.from('1') }])
  await first.store.close()

  const second = await provider.open('0_0')
  expect(second.fresh).toBe(false)
  expect(String(second.store.getSync(Buffer.from('a')))).toBe('1')
})

it('lists the tasks that have state and forgets a destroyed one', async () => {
  expect(await provider.list()).toEqual([])
  for (const task of ['1_0', '0_1', '0_0']) await (await provider.open(task)).store.close()
  await provider.destroy('0_1')
  expect(await provider.list()).toEqual(['0_0', '1_0'])
  expect((await provider.open('0_1')).fresh).toBe(true)
})

it('refuses a database in which damage was found while reading, until it is destroyed', async () => {
  const { store } = await provider.open('0_0')
  for (let i = 0; i < 3_000; i++) await store.write([{ key: Buffer.from(`key ${i}`), value: Buffer.alloc(1_000, i) }])
  await store.close()
  await (await provider.open('0_0')).store.close()
  const db = join(stateDir, 'app', 'tasks', '0_0', 'db')
  for (const name of await readdir(db)) {
    if (name.endsWith('.ldb')) await truncate(join(db, name), 200)
  }

  // LevelDB opens it. What it reads on the way tells what a later read would.
  const reading = async () => {
    const damaged = await provider.open('0_0')
    try {
      for (let i = 0; i < 3_000; i++) damaged.store.getSync(Buffer.from(`key ${i}`))
    } finally {
      await damaged.store.close()
    }
  }
  await expect(reading()).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
  await expect(newProvider().open('0_0')).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
  await provider.destroy('0_0')
  expect((await provider.open('0_0')).fresh).toBe(true)
})

it('deletes the substitutes of a task when the task is opened again, but not one in use', async () => {
  await (await provider.open('0_0~abc-1')).store.close()
  const used = await provider.open('0_0~abc-2')
  await (await provider.open('0_00~abc-1')).store.close()
  await (await provider.open('0_0')).store.close()
  const folders = async () => (await readdir(join(stateDir, 'app/tasks'))).sort()
  expect(await folders()).toEqual(['0_0', '0_00~abc-1', '0_0~abc-2'])
  await used.store.write([{ key: Buffer.from('a'), value: Buffer.from('1') }])
  await used.store.close()
  await provider.open('0_0')
  expect(await folders()).toEqual(['0_0', '0_00~abc-1'])
})

it('keeps hold only of stores that are open', async () => {
  const { store } = await provider.open('0_0')
  await provider.open('0_1')
  await store.close()
  expect(provider['opened'].size).toBe(1)
  await provider.close()
  expect(provider['opened'].size).toBe(0)
  await provider.open('0_1')
})

it('destroys a task that was never there', async () => {
  await provider.destroy('7_7')
  expect(await provider.list()).toEqual([])
})

it('names this process when a task is opened twice in it', async () => {
  await provider.open('0_0')
  const other = newProvider()
  await expect(other.open('0_0')).rejects.toMatchObject({
    code: 'STATE_DIRECTORY_LOCKED',
    message: expect.stringContaining(`this process (pid ${process.pid})`)
  })
  await expect(other.destroy('0_0')).rejects.toMatchObject({ code: 'STATE_DIRECTORY_LOCKED' })
  expect(await other.list()).toEqual(['0_0'])
})

it('names the process that holds a task, and opens it once that one is killed', async () => {
  const holder = start('hold')
  expect(await holder.line()).toBe('holding')
  await expect(provider.open('0_0')).rejects.toMatchObject({
    code: 'STATE_DIRECTORY_LOCKED',
    message: expect.stringContaining(`process ${holder.child.pid}, started 2`),
    details: { taskId: '0_0', pid: holder.child.pid }
  })
  await kill(holder.child)
  await provider.open('0_0')
})

it('claims the lowest free name, and gets it back when its holder was killed', async () => {
  const first = start('claim')
  const firstName = await first.line()
  const second = start('claim')
  const secondName = await second.line()
  expect(firstName).toMatch(/^[0-9a-f]{10}-0$/)
  expect(secondName).toBe(firstName.replace(/0$/, '1'))

  const third = await provider.claimProcessName()
  expect(third).toBe(firstName.replace(/0$/, '2'))
  expect(await provider.claimProcessName()).toBe(third)

  await kill(first.child)
  const fourth = newProvider()
  expect(await fourth.claimProcessName()).toBe(firstName)
  await fourth.close()
})

it('gives different names to processes that claim at the same time', async () => {
  const providers = Array.from({ length: 8 }, newProvider)
  const names = await Promise.all(providers.map(each => each.claimProcessName()))
  expect(new Set(names).size).toBe(8)
  expect(new Set(names.map(name => name.split('-')[0])).size).toBe(1)
  await Promise.all(providers.map(each => each.close()))
})

it('holds whole batches only after a kill in the middle of writing', async () => {
  for (let round = 0; round < 3; round++) {
    const writer = start('write')
    let last = 0
    while (last < 40 + 30 * round) last = Number(await writer.line())
    await kill(writer.child)

    const { store } = await provider.open('0_0')
    const values = new Set<string>()
    for await (const row of store.iterate({})) values.add(String(row.value).trim())
    expect(values.size).toBe(1)
    // Nothing acknowledged is lost either.
    expect(Number([...values][0])).toBeGreaterThanOrEqual(last)
    await store.close()
  }
})

it('fails a write that the disk has no room for, and keeps what was written before', async () => {
  const filler = start('fill', 'trap "" XFSZ; ulimit -f 200; exec "$@"')
  let written = 0
  let line = await filler.line()
  for (; line.startsWith('wrote'); line = await filler.line()) written = Number(line.split(' ')[1])
  expect(line).toMatch(/^failed STATE_WRITE_FAILED Cannot write state to '.*File too large.*then start again/)
  expect(written).toBeGreaterThan(3)
  await once(filler.child, 'exit')

  const { store } = await provider.open('0_0')
  for (let batch = 1; batch <= written; batch++) {
    expect(store.getSync(Buffer.from(`a${batch}`))).toHaveLength(10_000)
    expect(store.getSync(Buffer.from(`b${batch}`))).toHaveLength(10_000)
  }
})

it.each(['CURRENT', 'MANIFEST', '.ldb'])('calls a state with garbage in %s corrupt, and can destroy it', async file => {
  const small = new LevelStoreProvider({ stateDir, applicationId: 'app', writeBufferBytes: 64 * 1024 })
  const { store } = await small.open('0_0')
  for (let start = 0; start < 5000; start += 500) {
    const rows = Array.from({ length: 500 }, (_, i) => ({
      key: Buffer.from(`k${start + i}`),
      value: Buffer.alloc(100, i)
    }))
    await store.write(rows)
  }
  await store.close()
  const db = join(stateDir, 'app/tasks/0_0/db')
  const damaged = (await readdir(db)).filter(name => name.includes(file))
  expect(damaged).not.toEqual([])
  for (const name of damaged) await writeFile(join(db, name), 'garbage'.repeat(100))

  await expect(readAll(provider)).rejects.toMatchObject({ code: 'STATE_CORRUPT', action: 'rebuild-task' })
  await provider.close()
  await provider.destroy('0_0')
  expect((await provider.open('0_0')).fresh).toBe(true)
})

it('refuses a format that it does not know', async () => {
  await (await provider.open('0_0')).store.close()
  await writeFile(join(stateDir, 'app/tasks/0_0/format.json'), '{"store":"level","version":2}')
  await expect(provider.open('0_0')).rejects.toMatchObject({ code: 'STATE_FORMAT_UNKNOWN', action: 'rebuild-task' })
  await provider.destroy('0_0')
  await provider.open('0_0')
})

it('takes over a database whose creation was cut short before its format was noted', async () => {
  await (await provider.open('0_0')).store.close()
  await rm(join(stateDir, 'app/tasks/0_0/format.json'))
  expect((await provider.open('0_0')).fresh).toBe(true)
})

it('says what to do when a file lies where the state directory should be', async () => {
  await mkdir(join(stateDir, 'app'))
  await writeFile(join(stateDir, 'app/tasks'), '')
  await expect(provider.open('0_0')).rejects.toMatchObject({
    code: 'STATE_DIRECTORY_UNUSABLE',
    message: expect.stringMatching(/app\/tasks.*move it or set another stateDir/)
  })
  await expect(provider.list()).rejects.toMatchObject({ code: 'STATE_DIRECTORY_UNUSABLE' })
})

it.each(['', '..', 'a/b', 'ä'])('refuses the application id %j', applicationId => {
  expect(() => new LevelStoreProvider({ stateDir, applicationId })).toThrow('CONFIG_INVALID')
})

async function readAll(from: LevelStoreProvider): Promise<void> {
  const { store } = await from.open('0_0')
  for await (const _row of store.iterate({}));
  for (let i = 0; i < 2000; i++) store.getSync(Buffer.from(`k${i}`))
}

/** Starts the helper process; `shell` runs it as "$@" under sh. */
function start(command: string, shell?: string): { child: ChildProcess; line(): Promise<string> } {
  const program = [process.execPath, '--conditions=millrace-source', join(import.meta.dirname, 'test-support/child.ts')]
  const args = [...program, command, stateDir]
  const child =
    shell === undefined
      ? spawn(args[0] as string, args.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
      : spawn('bash', ['-c', shell, 'bash', ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const lines = (createInterface(child.stdout as NonNullable<typeof child.stdout>) as Interface)[Symbol.asyncIterator]()
  return {
    child,
    line: async () => {
      const next = await lines.next()
      if (next.done === true) throw new Error('the process has ended')
      return next.value
    }
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
