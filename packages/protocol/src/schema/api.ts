import type { Fields, InputOf, OutputOf } from './field.ts'

/** One kind of request with its response, as data. `minVersion` to `maxVersion` is what this package speaks. */
export interface ApiOf<Req extends Fields, Res extends Fields> {
  readonly key: number
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  /** First version with compact lengths and tagged fields. */
  readonly flexibleFrom: number
  readonly request: Req
  readonly response: Res
}

/** Any API. */
export type Api = ApiOf<any, any>

/** What `encodeRequest` takes: fields with a default, or that some versions lack, may be left out. */
export type RequestOf<A extends Api> = A extends ApiOf<infer Req, infer _Res> ? InputOf<Req> : never
/** What `decodeResponse` yields: every field; the ones that the version lacks hold their defaults. */
export type ResponseOf<A extends Api> = A extends ApiOf<infer _Req, infer Res> ? OutputOf<Res> : never
/** What `decodeRequest` yields. */
export type DecodedRequestOf<A extends Api> = A extends ApiOf<infer Req, infer _Res> ? OutputOf<Req> : never
/** What `encodeResponse` takes. */
export type ResponseInputOf<A extends Api> = A extends ApiOf<infer _Req, infer Res> ? InputOf<Res> : never

/** Declares an API. */
export function defineApi<Req extends Fields, Res extends Fields>(api: ApiOf<Req, Res>): ApiOf<Req, Res> {
  return api
}

/** A versioned structure outside of requests: what a consumer tells its group. */
export interface DataFormatOf<F extends Fields> {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  readonly flexibleFrom: number
  readonly fields: F
}

/** Any data format. */
export type DataFormat = DataFormatOf<any>

export function defineDataFormat<F extends Fields>(format: DataFormatOf<F>): DataFormatOf<F> {
  return format
}
