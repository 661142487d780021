import type { SubTopology } from './sub-topology.ts'

/**
 * What each processor's own states are kept under: its name, if it was given. A generated one shifts with every operator that is
 * put before it, so a processor with stores is known by the store that it was added with and by its operator instead: as long as
 * the store keeps its name, what is remembered beside it stays with it.
 */
export function stableNodeNames(sub: SubTopology): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  const counts = new Map<string, number>()
  for (const node of sub.nodes) {
    if (node.kind !== 'processor') continue
    const operator = /^(.+)-\d{10}$/.exec(node.name)?.[1]
    const store = operator === undefined ? undefined : ownStore(sub, node.name, node.stores)
    if (store === undefined) {
      names.set(node.name, node.name)
      continue
    }
    // Several aggregators of a cogroup share a store: their order tells them apart.
    const name = `${store}/${operator}`
    const count = counts.get(name) ?? 0
    counts.set(name, count + 1)
    names.set(node.name, count === 0 ? name : `${name}/${count}`)
  }
  return names
}

/** The first that the processor was added with, or that was added alone and connected to it; not what others keep. */
function ownStore(sub: SubTopology, node: string, stores: readonly string[]): string | undefined {
  return sub.stores.find(({ name }) => {
    const owners = sub.storeOwners?.get(name) ?? []
    return owners.length === 0 ? stores.includes(name) : owners.includes(node)
  })?.name
}
