import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Of Kafka's Java clients. */
export const KAFKA_VERSION = '4.3.0'
/** Of the brokers that are started; the environment's `MILLRACE_KAFKA_VERSION` takes another. */
export const BROKER_VERSION = process.env.MILLRACE_KAFKA_VERSION || KAFKA_VERSION
export const CACHE_DIR = fileURLToPath(new URL('../.cache', import.meta.url))

const POM = fileURLToPath(new URL('./kafka-broker/pom.xml', import.meta.url))
const OLDEST_JAVA = 17

/** What is fetched, in the words of messages, and how else to come by it. */
interface Fetched {
  readonly title: string
  readonly instead: string
}

const KAFKA = kafka(KAFKA_VERSION)

function kafka(version: string): Fetched {
  return { title: `Apache Kafka ${version}`, instead: 'set KAFKA_BROKERS to a running Kafka' }
}

/**
 * The folder with Kafka's jars, broker and clients; on first use Maven fetches them. Several processes may ask at once.
 *
 * @param version - Default: `KAFKA_VERSION`.
 */
export function kafkaJars(version = KAFKA_VERSION): Promise<string> {
  return mavenJars('kafka', POM, kafka(version), version)
}

/** The folder with the jars of another list of dependencies, which may use `${kafka.version}`. */
export async function mavenJars(name: string, pom: string, what = KAFKA, version = KAFKA_VERSION): Promise<string> {
  requireJava(what)
  // A changed list of jars is another folder.
  const pomHash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 8)
  const jars = join(CACHE_DIR, `${name}-${version}-${pomHash}`)
  if (existsSync(jars)) return jars
  requireMaven(what)
  await mkdir(CACHE_DIR, { recursive: true })
  // Fetched aside and renamed, so that a folder with the final name is always whole.
  const aside = await mkdtemp(join(CACHE_DIR, 'kafka-jars-'))
  try {
    await fetchWithMaven(pom, aside, what, version)
    await rename(aside, jars).catch((cause: unknown) => {
      if (!existsSync(jars)) throw cause
    })
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
  return jars
}

async function fetchWithMaven(
  pom: string,
  outputDirectory: string,
  { title }: Fetched,
  version: string
): Promise<void> {
  process.stderr.write(`Fetching ${title} with Maven (once, up to 140 MB) …\n`)
  const log = join(outputDirectory, 'maven.log')
  const args = [
    ...['-B', '-q', '-f', pom, `-Dkafka.version=${version}`, `-DoutputDirectory=${outputDirectory}`],
    ...['-DincludeScope=runtime', '--log-file', log, 'dependency:copy-dependencies']
  ]
  const child = spawn('mvn', args, { stdio: 'ignore' })
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('exit', resolve))
  if (code === 0) return
  const tail = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n')
  throw new Error(`Maven could not fetch ${title} (exit code ${code}). Its last words:\n${tail}`)
}

/** Whether Kafka's jars cannot be run, or not be fetched. */
export function javaToolsMissing(): boolean {
  try {
    requireJava(KAFKA)
    requireMaven(KAFKA)
    return false
  } catch {
    return true
  }
}

function requireJava({ title, instead }: Fetched): void {
  const answer = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const needed = `${title} needs a Java runtime, version ${OLDEST_JAVA} or newer`
  if (answer.error !== undefined) {
    throw new Error(`${needed}, and there is no \`java\` in PATH. Install one, or ${instead}.`, {
      cause: answer.error
    })
  }
  const version = /version "(\d+)/.exec(answer.stderr)?.[1]
  if (version !== undefined && Number(version) < OLDEST_JAVA) {
    throw new Error(`${needed}; \`java\` in PATH is version ${version}.`)
  }
}

function requireMaven({ title, instead }: Fetched): void {
  const answer = spawnSync('mvn', ['--version'], { stdio: 'ignore' })
  if (answer.error === undefined) return
  throw new Error(
    `${title} is not in .cache yet and there is no \`mvn\` in PATH to fetch them. ` +
      `Install Apache Maven, or ${instead}.`,
    { cause: answer.error }
  )
}
