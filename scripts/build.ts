import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT, run } from './run.ts'
import { workspacePackages } from './workspace-packages.ts'

// From nothing: what a removed source left behind would be published.
for (const { dir } of workspacePackages()) await rm(join(ROOT, dir, 'dist'), { recursive: true, force: true })
process.exitCode = await run('tsc', ['--build', 'tsconfig.build.json'])
