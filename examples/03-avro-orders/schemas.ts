/** A customer; keyed by id. */
export const CUSTOMER = {
  type: 'record',
  name: 'Customer',
  namespace: 'shop',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'country', type: { type: 'enum', name: 'Country', symbols: ['AT', 'CH', 'DE'] } }
  ]
} as const

/** An order as the shop wrote it first; keyed by the id of the customer. */
export const ORDER_V1 = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'orderId', type: 'string' },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 10, scale: 2 } },
    { name: 'placed', type: { type: 'long', logicalType: 'timestamp-millis' } }
  ]
} as const

/** The second version tells of a discount. Orders of the first have none. */
export const ORDER_V2 = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [...ORDER_V1.fields, { name: 'discountPercent', type: 'int', default: 0 }]
} as const

/** What each country has ordered. */
export const TURNOVER_V1 = {
  type: 'record',
  name: 'Turnover',
  namespace: 'shop',
  fields: [
    { name: 'orders', type: 'int' },
    { name: 'cents', type: 'long' }
  ]
} as const

/** The second version also counts the cents that were let off. */
export const TURNOVER_V2 = {
  type: 'record',
  name: 'Turnover',
  namespace: 'shop',
  fields: [...TURNOVER_V1.fields, { name: 'discountCents', type: 'long', default: 0 }]
} as const

/** An order on its way to the country of its customer. */
export const SALE_V1 = {
  type: 'record',
  name: 'Sale',
  namespace: 'shop',
  fields: [
    { name: 'country', type: 'string' },
    { name: 'cents', type: 'long' }
  ]
} as const

export const SALE_V2 = {
  type: 'record',
  name: 'Sale',
  namespace: 'shop',
  fields: [...SALE_V1.fields, { name: 'discountCents', type: 'long', default: 0 }]
} as const
