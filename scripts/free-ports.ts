import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

// Below the range from which Linux and macOS take the ports of outgoing connections, so that none of those takes
// the port while a broker restarts.
const LOWEST = 20_000
const HIGHEST = 32_000

/** `count` different TCP ports that nobody listens on. All were held at once; none is held any more. */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>()
  try {
    for (let attempt = 0; held.size < count; attempt++) {
      if (attempt === 1000) throw new Error(`No free TCP port found between ${LOWEST} and ${HIGHEST}.`)
      const port = randomInt(LOWEST, HIGHEST)
      if (held.has(port)) continue
      const server = await listen(port)
      if (server !== undefined) held.set(port, server)
    }
    return [...held.keys()]
  } finally {
    await Promise.all([...held.values()].map(server => new Promise(resolve => server.close(resolve))))
  }
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
