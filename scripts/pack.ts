import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { capture, ROOT, run } from './run.ts'
import { type WorkspacePackage, workspacePackages } from './workspace-packages.ts'

export interface PackedPackage extends WorkspacePackage {
  readonly tarball: string
}

/** Builds every package and packs it as `npm publish` would. The tarballs are in `destination`. */
export async function packAll(destination: string): Promise<PackedPackage[]> {
  if ((await run('node', ['scripts/build.ts'])) !== 0) throw new Error('The packages do not compile.')
  await rm(destination, { recursive: true, force: true })
  await mkdir(destination, { recursive: true })
  const packages = workspacePackages()
  for (const { dir } of packages) await copyFile(join(ROOT, 'LICENSE'), join(ROOT, dir, 'LICENSE'))
  const args = ['pack', '--json', '--pack-destination', destination, ...packages.map(({ dir }) => `./${dir}`)]
  const packed = JSON.parse(await capture('npm', args)) as { name: string; filename: string }[]
  return packages.map(workspacePackage => {
    const entry = Object.values(packed).find(({ name }) => name === workspacePackage.manifest.name)
    if (entry === undefined) throw new Error(`npm pack left out ${workspacePackage.manifest.name}.`)
    return { ...workspacePackage, tarball: join(destination, entry.filename) }
  })
}
