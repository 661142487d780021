import { LevelStoreProvider } from '../level-store-provider.ts'

/** What the provider's tests do in a second process: `node child.ts <command> <stateDir>`. Speaks in lines. */
const [command, stateDir = ''] = process.argv.slice(2)
const provider = new LevelStoreProvider({ stateDir, applicationId: 'app', writeBufferBytes: 64 * 1024 })

switch (command) {
  case 'claim':
    console.log(await provider.claimProcessName())
    break
  case 'hold':
    await provider.open('0_0')
    console.log('holding')
    break
  case 'write':
    await writeForEver()
    break
  case 'fill':
    await fillUntilItFails()
    break
}

// Until it is killed.
if (command !== 'fill') process.stdin.resume()

/** Batch n sets every key to n. */
async function writeForEver(): Promise<void> {
  const { store } = await provider.open('0_0')
  const keys = Array.from({ length: 50 }, (_, i) => Buffer.from(`key-${i}`))
  for (let batch = 1; ; batch++) {
    const value = Buffer.from(String(batch).padEnd(200))
    await store.write(keys.map(key => ({ key, value })))
    console.log(batch)
  }
}

async function fillUntilItFails(): Promise<void> {
  const { store } = await provider.open('0_0')
  for (let batch = 1; ; batch++) {
    try {
      const value = Buffer.alloc(10_000, Math.trunc(batch))
      await store.write(['a', 'b'].map(key => ({ key: Buffer.from(key + batch), value })))
      console.log(`wrote ${batch}`)
    } catch (error) {
      console.log(`failed ${(error as { code: string }).code} ${(error as Error).message}`)
      return
    }
  }
}
