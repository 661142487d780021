// What an application may do, by access control lists: exactly the rights of docs/security.md, and each of them missing.
import { readFileSync } from 'node:fs'
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, type AclEntry, ResourcePatternTypes } from 'kafkajs'
import { isStreamsError } from 'millrace'
import { expect, test } from 'vitest'
import type { TestCluster } from '../integration/test-cluster.ts'
import { password, to } from './connections.ts'
import { countingApp, countsUpTo, LogLines, openCluster, readCounts } from './counting-app.ts'

interface Right {
  readonly operation: 'Read' | 'Write' | 'Create' | 'Delete'
  readonly resource: 'Topic' | 'Group' | 'TransactionalId'
  /** As the documentation has it: `<applicationId>`, `<input>`, `<output>`. */
  readonly name: string
  readonly prefixed: boolean
}

const RIGHTS = documentedRights()

test('the documentation lists rights of all kinds', () => {
  expect(new Set(RIGHTS.map(({ resource }) => resource))).toEqual(new Set(['Topic', 'Group', 'TransactionalId']))
})

test.concurrent('the documented rights are enough', async ({ expect }) => {
  const { failure, counts, warnings } = await runWithout(undefined)
  expect(failure).toBeUndefined()
  expect(counts).toEqual(countsUpTo(['a', 'b'], 5))
  expect(warnings).toEqual([])
})

// Without Delete an application goes on, and warns when it would clear a repartition topic, half a minute on.
test.concurrent.for(RIGHTS.filter(({ operation }) => operation !== 'Delete'))(
  'without $operation on $resource $name the application ends, and names it',
  async (missing, { expect }) => {
    const { failure, counts, cluster } = await runWithout(missing)
    expect(isStreamsError(failure)).toBe(true)
    expect(failure).toMatchObject({ code: 'CLIENT_AUTHORIZATION_FAILED', action: 'stop' })
    expect(String(failure)).toContain(`'${nameOf(missing, cluster)}`)
    expect(String(failure).toLowerCase()).toContain(missing.operation.toLowerCase())
    expect(counts).toEqual(new Map())
  }
)

/** Runs an application as 'bob', who has all the rights but one. */
async function runWithout(missing: Right | undefined) {
  await using cluster = await openCluster()
  await cluster.createTopics(1, 'in', 'out')
  await cluster.produce(
    'in',
    Array.from({ length: 10 }, (_, i) => ({ key: 'k', value: i % 2 === 0 ? 'a' : 'b' }))
  )
  await grant(
    cluster,
    RIGHTS.filter(right => right !== missing)
  )
  const logger = new LogLines()
  const app = countingApp(
    cluster,
    to('SASL', { sasl: password('scram-sha-256', 'bob') }),
    logger,
    applicationIdOf(cluster)
  )
  const failure: unknown = await app.run({ until: 'end' }).then(
    () => undefined,
    (error: unknown) => error
  )
  return { failure, counts: await readCounts(cluster), warnings: logger.ofLevel('warn', 'error'), cluster }
}

/** Resolves when the broker minds them. */
async function grant(cluster: TestCluster, rights: readonly Right[]): Promise<void> {
  const admin = cluster.kafkajs.admin()
  await admin.connect()
  const acl = rights.map(
    (right): AclEntry => ({
      principal: 'User:bob',
      host: '*',
      permissionType: AclPermissionTypes.ALLOW,
      operation: AclOperationTypes[right.operation.toUpperCase() as 'READ'],
      resourceType: RESOURCES[right.resource],
      resourceName: nameOf(right, cluster),
      resourcePatternType: right.prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL
    })
  )
  await admin.createAcls({ acl })
  const known = async (): Promise<boolean> => {
    const found = await Promise.all(acl.map(entry => admin.describeAcls(entry)))
    return found.every(({ resources }) => resources.length > 0)
  }
  while (!(await known()));
  await admin.disconnect()
}

const RESOURCES = {
  Topic: AclResourceTypes.TOPIC,
  Group: AclResourceTypes.GROUP,
  TransactionalId: AclResourceTypes.TRANSACTIONAL_ID
} as const

/** Not the beginning of the names of the other topics, which its rights would cover then. */
function applicationIdOf(cluster: TestCluster): string {
  return `app-${cluster.applicationId}`
}

function nameOf({ name }: Right, cluster: TestCluster): string {
  return name
    .replace('<applicationId>', applicationIdOf(cluster))
    .replace('<input>', cluster.name('in'))
    .replace('<output>', cluster.name('out'))
}

/** Rows such as `| Read, Write | Topic | \`<applicationId>-\`, as a prefix |`. */
function documentedRights(): Right[] {
  const text = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8')
  return [...text.matchAll(/^\| ([A-Z][\w, ]+) \| (Topic|Group|TransactionalId) \| `([^`]+)`([^|]*)\|/gm)].flatMap(
    ([, operations = '', resource, name = '', note = '']) =>
      operations.split(', ').map(
        (operation): Right => ({
          operation: operation as Right['operation'],
          resource: resource as Right['resource'],
          name,
          prefixed: note.includes('prefix')
        })
      )
  )
}
