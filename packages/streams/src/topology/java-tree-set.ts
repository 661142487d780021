interface Entry<T> {
  readonly item: T
  parent: Entry<T> | undefined
  left: Entry<T> | undefined
  right: Entry<T> | undefined
  isRed: boolean
}

/**
 * A `TreeSet` of Java, down to the shape of its tree: Kafka Streams fills some with nodes whose order changes meanwhile. Where an
 * item goes depends on which it is compared with on its way down, and what lies wrong is never moved.
 */
export class JavaTreeSet<T> {
  readonly #compare: (a: T, b: T) => number
  #root: Entry<T> | undefined

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  /** Does nothing when an item on the way down compares as equal. */
  add(item: T): void {
    let parent: Entry<T> | undefined
    let order = 0
    for (let entry = this.#root; entry !== undefined; entry = order < 0 ? entry.left : entry.right) {
      order = this.#compare(item, entry.item)
      if (order === 0) return
      parent = entry
    }
    const added: Entry<T> = { item, parent, left: undefined, right: undefined, isRed: true }
    if (parent === undefined) this.#root = added
    else if (order < 0) parent.left = added
    else parent.right = added
    this.#balance(added)
  }

  *[Symbol.iterator](): Generator<T> {
    yield* inOrder(this.#root)
  }

  #balance(added: Entry<T>): void {
    let entry = added
    for (let { parent } = entry; parent?.isRed === true; parent = entry.parent) {
      // The root is black, so what is red has a parent.
      const grand = parent.parent as Entry<T>
      const isLeft = parent === grand.left
      const uncle = isLeft ? grand.right : grand.left
      if (uncle?.isRed === true) {
        parent.isRed = false
        uncle.isRed = false
        grand.isRed = true
        entry = grand
        continue
      }
      if (entry === (isLeft ? parent.right : parent.left)) {
        this.#rotate(parent, isLeft)
        entry = parent
      }
      ;(entry.parent as Entry<T>).isRed = false
      grand.isRed = true
      this.#rotate(grand, !isLeft)
    }
    ;(this.#root as Entry<T>).isRed = false
  }

  /** Lets a child of `top` take its place: the right one, and `top` goes left; or the other way round. */
  #rotate(top: Entry<T>, toLeft: boolean): void {
    const risen = (toLeft ? top.right : top.left) as Entry<T>
    const moved = toLeft ? risen.left : risen.right
    if (toLeft) top.right = moved
    else top.left = moved
    if (moved !== undefined) moved.parent = top
    risen.parent = top.parent
    if (top.parent === undefined) this.#root = risen
    else if (top.parent.left === top) top.parent.left = risen
    else top.parent.right = risen
    if (toLeft) risen.left = top
    else risen.right = top
    top.parent = risen
  }
}

function* inOrder<T>(entry: Entry<T> | undefined): Generator<T> {
  if (entry === undefined) return
  yield* inOrder(entry.left)
  yield entry.item
  yield* inOrder(entry.right)
}
