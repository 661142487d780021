import { join } from 'node:path'
import { packAll } from './pack.ts'
import { ROOT, run } from './run.ts'

const problems: string[] = []
for (const { manifest, tarball } of await packAll(join(ROOT, '.cache', 'tarballs'))) {
  if ((await run('publint', ['run', tarball, '--strict'])) !== 0) problems.push(`publint: ${manifest.name}`)
  if ((await run('attw', [tarball, '--profile', 'esm-only', '--quiet'])) !== 0) problems.push(`attw: ${manifest.name}`)
}
for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0) process.exitCode = 1
