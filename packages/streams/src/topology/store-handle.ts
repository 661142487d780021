import type { StoreKind } from './store-spec.ts'

/**
 * Names a store together with the types of its rows, so that a query of it is typed: `app.store(handle)`.
 * Only the name and the kind exist at run time. For a window store `K` is the key inside the window.
 */
export interface StoreHandle<K, V, Kind extends StoreKind = StoreKind> {
  readonly name: string
  readonly kind: Kind
  /** Never set; carries the types. */
  readonly types?: { readonly key: K; readonly value: V }
}
