/** `T`, of which no part may be changed. */
export type DeepReadonly<T> = T extends string | number | boolean | bigint | symbol | null | undefined
  ? T
  : { readonly [K in keyof T]: DeepReadonly<T[K]> }
