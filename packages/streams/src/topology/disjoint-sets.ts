/** Which strings belong together: each `unite` joins the groups of two of them. */
export class DisjointSets {
  readonly #parents = new Map<string, string>()

  /** The representative of the group; a string not seen before is a group of its own. */
  root(element: string): string {
    let root = element
    for (
      let parent = this.#parents.get(root);
      parent !== undefined && parent !== root;
      parent = this.#parents.get(root)
    ) {
      root = parent
    }
    this.#parents.set(element, root)
    return root
  }

  unite(a: string, b: string): void {
    const rootOfA = this.root(a)
    this.#parents.set(this.root(b), rootOfA)
  }
}
