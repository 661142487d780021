import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, open, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from './free-ports.ts'
import { mavenJars } from './kafka-jars.ts'
import { startWatchdog } from './watchdog.ts'

const VERSION = '2.5.11.Final'
const ARCHIVE = `apicurio-registry-app-${VERSION}-all.tar.gz`
const JAR = `apicurio-registry-app-${VERSION}-runner.jar`
const POM = fileURLToPath(new URL('./schema-registry/pom.xml', import.meta.url))
const START_TIMEOUT_MS = 120_000
const POLL_MS = 100

/** A running Apicurio Registry, in memory. It dies with the process that started it, however that ends. */
export interface Registry {
  /** Base of the API that Confluent defined. */
  readonly url: string
  stop(): Promise<void>
}

/** Starts Apicurio Registry on a free port and returns when it answers. On first use Maven fetches it. */
export async function startRegistry(): Promise<Registry> {
  const folder = await unpacked()
  const [port] = (await freePorts(1)) as [number]
  const dir = await mkdtemp(join(tmpdir(), 'millrace-registry-'))
  const log = join(dir, 'registry.log')
  const output = await open(log, 'w')
  const settings = ['-Xmx256m', `-Dquarkus.http.port=${port}`, '-Dquarkus.http.host=127.0.0.1']
  const child = spawn('java', [...settings, '-jar', join(folder, JAR)], {
    cwd: dir,
    detached: true,
    stdio: ['ignore', output.fd, output.fd]
  })
  await output.close()
  if (child.pid === undefined) throw new Error('The Java process for the registry could not be started.')
  const watchdog = startWatchdog(child.pid, dir)
  let running = true
  const exited = new Promise<void>(resolve => {
    child.once('exit', () => {
      running = false
      watchdog.kill('SIGKILL')
      resolve()
    })
  })
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
  const stop = async () => {
    child.kill('SIGKILL')
    await exited
    await rm(dir, { recursive: true, force: true })
  }
  const deadline = performance.now() + START_TIMEOUT_MS
  while (running && performance.now() < deadline) {
    if (await answers(`${url}/subjects`)) return { url, stop }
    await new Promise<void>(resolve => void setTimeout(resolve, POLL_MS))
  }
  const said = (await readFile(log, 'utf8')).trim().split('\n').slice(-8).join('\n')
  await stop()
  throw new Error(
    `Apicurio Registry ${VERSION} ${running ? 'did not answer in time' : 'ended while starting'}:\n${said}`
  )
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false
  )
}

/** The folder with what is in the archive. */
async function unpacked(): Promise<string> {
  const jars = await mavenJars('schema-registry', POM, {
    title: `Apicurio Registry ${VERSION}`,
    instead: 'set REGISTRY_URL to a running registry'
  })
  const folder = join(jars, 'unpacked')
  if (existsSync(folder)) return folder
  // Aside and renamed, so that a folder with the final name is always whole.
  const aside = await mkdtemp(join(jars, 'unpacking-'))
  try {
    const child = spawn('tar', ['-xzf', join(jars, ARCHIVE), '-C', aside], { stdio: ['ignore', 'ignore', 'inherit'] })
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('exit', resolve)
    )
    if (code !== 0) throw new Error(`tar could not unpack ${join(jars, ARCHIVE)} (exit code ${code}).`)
    await rename(aside, folder).catch((cause: unknown) => {
      if (!existsSync(folder)) throw cause
    })
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  return folder
}
